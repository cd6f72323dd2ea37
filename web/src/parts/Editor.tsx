import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { javascript } from "@codemirror/lang-javascript";
import { json } from "@codemirror/lang-json";
import { python } from "@codemirror/lang-python";
import { yaml } from "@codemirror/lang-yaml";
import { bracketMatching, HighlightStyle, indentOnInput, StreamLanguage, syntaxHighlighting } from "@codemirror/language";
import { velocity } from "@codemirror/legacy-modes/mode/velocity";
import { EditorState, type Extension } from "@codemirror/state";
import { EditorView, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { useEffect, useRef } from "react";
import { nonce } from "../nonce";
import { useDark } from "./dark";

export type Language = "json" | "yaml" | "velocity" | "python" | "javascript" | "text";

const LANGUAGES: Record<Language, () => Extension> = {
  json, yaml, python, javascript: () => javascript(), velocity: () => StreamLanguage.define(velocity), text: () => [],
};

const styles = (dark: boolean) =>
  HighlightStyle.define([
    { tag: [tags.keyword, tags.operatorKeyword, tags.modifier], color: dark ? "#c792ea" : "#862e9c" },
    { tag: [tags.string, tags.special(tags.string)], color: dark ? "#a5d6a7" : "#1b6e33" },
    { tag: [tags.propertyName, tags.attributeName], color: dark ? "#82c7d4" : "#0b5d6b" },
    { tag: [tags.number, tags.bool, tags.null], color: dark ? "#f0a94f" : "#9a4d00" },
    { tag: [tags.comment], color: dark ? "#8a97a6" : "#5c6773", fontStyle: "italic" },
    { tag: [tags.variableName, tags.definition(tags.variableName)], color: dark ? "#9ecbff" : "#1c4f8f" },
    { tag: [tags.function(tags.variableName), tags.className], color: dark ? "#ffd479" : "#7a5300" },
  ]);

const look = (dark: boolean) =>
  EditorView.theme(
    {
      "&": { backgroundColor: "transparent", color: "inherit" },
      ".cm-gutters": { backgroundColor: "transparent", border: "none", color: dark ? "#8a97a6" : "#667080" },
      ".cm-activeLine": { backgroundColor: dark ? "#ffffff0a" : "#0000000a" },
      ".cm-activeLineGutter": { backgroundColor: "transparent" },
      ".cm-cursor": { borderLeftColor: dark ? "#dbe2ea" : "#1a1d21" },
      "&.cm-focused .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: dark ? "#2b4a55" : "#cfe9ed" },
    },
    { dark },
  );

/** A text with its language's colours. */
export default function Editor({ value, onChange, language = "text", label, height = "220px", readOnly = false }: {
  value: string;
  onChange?: (value: string) => void;
  language?: Language;
  label: string;
  height?: string;
  readOnly?: boolean;
}) {
  const parent = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const changed = useRef(onChange);
  changed.current = onChange;
  const dark = useDark();

  useEffect(() => {
    const made = new EditorView({
      parent: parent.current!,
      state: EditorState.create({
        doc: value,
        extensions: [
          EditorView.cspNonce.of(nonce),
          lineNumbers(),
          history(),
          bracketMatching(),
          indentOnInput(),
          highlightActiveLine(),
          EditorView.lineWrapping,
          EditorState.readOnly.of(readOnly),
          EditorView.contentAttributes.of({ "aria-label": label, ...(readOnly ? { "aria-readonly": "true" } : {}) }),
          // Tab leaves a text that cannot be changed; Escape then Tab leaves one that can.
          keymap.of([...defaultKeymap, ...historyKeymap, ...(readOnly ? [] : [indentWithTab])]),
          LANGUAGES[language](),
          syntaxHighlighting(styles(dark)),
          look(dark),
          EditorView.theme({ "&": { height }, ".cm-scroller": { overflow: "auto", lineHeight: "18px" } }),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) changed.current?.(update.state.doc.toString());
          }),
        ],
      }),
    });
    made.scrollDOM.tabIndex = readOnly ? 0 : -1;
    view.current = made;
    // Lines are measured anew once their font is there.
    void document.fonts.ready.then(() => made.requestMeasure());
    return () => made.destroy();
  }, [language, dark, readOnly, label, height]);

  useEffect(() => {
    const now = view.current;
    if (now && now.state.doc.toString() !== value) {
      now.dispatch({ changes: { from: 0, to: now.state.doc.length, insert: value } });
    }
  }, [value]);

  return <div className="editor" ref={parent} />;
}
