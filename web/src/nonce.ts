/** Under which the page's policy lets style elements in. */
import { setNonce } from "get-nonce";

export const nonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? "";

// What locks the page's scrolling under dialogs asks there.
setNonce(nonce);
