/** Colours of lines: for light and for dark. */
export const SHADES: [string, string][] = [
  ["#0b7285", "#45a9b8"], ["#b35c00", "#f0a94f"], ["#9c36b5", "#d08be0"], ["#2b8a3e", "#69db7c"], ["#c92a2a", "#ff8787"], ["#1864ab", "#74c0fc"],
];
