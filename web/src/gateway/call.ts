/** Asking the gateway: one way for the console's own addresses, one for any AWS operation. */

export class GatewayError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly requestId?: string,
  ) {
    super(message);
  }
}

let csrf = "";
let whenSignedOut: () => void = () => {};

export function setCsrf(token: string) {
  csrf = token;
}

export function onSignedOut(then: () => void) {
  whenSignedOut = then;
}

/** A request of the console's own. Throws `GatewayError`. */
export async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  if (init.method && init.method !== "GET") headers.set("x-torana-csrf", csrf);
  let response: Response;
  try {
    response = await fetch(`/console/${path}`, { ...init, headers });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new GatewayError(0, "Unreachable", "The gateway does not answer. Is it running?");
  }
  if (response.ok) return response;
  const said = await response.json().catch(() => ({}));
  if (response.status === 401 && said.code === "SignedOut") whenSignedOut();
  const message = said.message ?? said.error?.message ?? response.statusText;
  throw new GatewayError(response.status, said.code ?? String(response.status), message, said.requestId);
}

export async function askJson<T>(path: string, method = "GET", body?: unknown): Promise<T> {
  const response = await ask(path, {
    method,
    headers: body === undefined ? {} : { "content-type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  return response.json();
}

export type Params = Record<string, unknown>;

/** Any operation of any service, by botocore's names. */
export function call<T>(service: string, operation: string, params: Params = {}): Promise<T> {
  return askJson<T>(`api/${service}/${operation}`, "POST", params);
}

/** Every page of an operation that gives a position to go on from. */
export async function callAll<T>(
  service: string,
  operation: string,
  params: Params,
  list: string,
  token: [answer: string, question: string] = ["position", "position"],
): Promise<T[]> {
  const found: T[] = [];
  let next: unknown;
  do {
    const page: Params = await call(service, operation, next ? { ...params, [token[1]]: next } : params);
    found.push(...((page[list] as T[] | undefined) ?? []));
    next = page[token[0]];
  } while (next && found.length < 5000);
  return found;
}
