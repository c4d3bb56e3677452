// Widths of texts in the page's font, for labels that must fit into a mark. Cached: the same names come every frame.
let context: CanvasRenderingContext2D | null | undefined;
const widths = new Map<string, number>();

export function textWidth(text: string, font: string): number {
  const key = `${font}|${text}`;
  const known = widths.get(key);
  if (known !== undefined) return known;
  context ??= document.createElement("canvas").getContext("2d");
  let width = text.length * 6.4;
  if (context) {
    context.font = font;
    width = context.measureText(text).width;
  }
  if (widths.size > 4000) widths.clear();
  widths.set(key, width);
  return width;
}

export const label11 = (text: string) => textWidth(text, '500 11px "Inter", sans-serif');
export const label12 = (text: string) => textWidth(text, '500 12px "Inter", sans-serif');

/** Once the font has come, widths measured with its stand-in are worth nothing. */
export function forgetWidths() {
  widths.clear();
}
