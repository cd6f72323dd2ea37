import Markdown from "markdown-to-jsx/react";

/** Markdown, without any HTML of its own. */
export function Prose({ children }: { children: string }) {
  return (
    <div className="prose">
      <Markdown options={{ disableParsingRawHTML: true, forceBlock: true, overrides: { h1: "h2", h2: "h3", h3: "h4" } }}>{children}</Markdown>
    </div>
  );
}
