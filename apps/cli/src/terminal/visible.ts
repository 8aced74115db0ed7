// C0 and C1 controls, DEL, line and paragraph separators, and what reorders or hides text.
const unsafe =
  // eslint-disable-next-line no-control-regex -- finding control characters is what this is for
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

function picture(character: string): string {
  const code = character.charCodeAt(0);
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  if (code === 0x7f) return "\u2421";
  return `\\u${code.toString(16).padStart(4, "0")}`;
}

/** One line of text that a terminal prints and never obeys: escapes and controls become visible pictures (ESC: ␛). */
export function visibleLine(text: string): string {
  return text.toWellFormed().replace(unsafe, picture);
}

/** The same for text of many lines: line feeds and tabs stay, CR LF becomes LF. */
export function visibleText(text: string): string {
  return text
    .toWellFormed()
    .replaceAll("\r\n", "\n")
    .replace(unsafe, (character) => (character === "\n" || character === "\t" ? character : picture(character)));
}

/** JSON that is safe on a terminal and reads back to the same value. */
export function visibleJson(value: unknown, indent?: number): string {
  const json = JSON.stringify(value, null, indent);
  return json.replace(unsafe, (character) =>
    character === "\n" ? character : `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
