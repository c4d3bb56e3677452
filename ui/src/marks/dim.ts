// Pointing at a project or workload fades all others on the whole page. One rule in a style sheet of its own does it, so
// that no mark has to be drawn again.
let sheet: CSSStyleSheet | undefined;

export function pointAt(what: { project?: string; workload?: string } | null) {
  if (!sheet) {
    sheet = new CSSStyleSheet();
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  }
  if (!what) {
    sheet.replaceSync("");
    return;
  }
  const attribute = what.workload !== undefined ? "data-w" : "data-p";
  const value = CSS.escape(what.workload ?? what.project ?? "");
  sheet.replaceSync(`[${attribute}]:not([${attribute}="${value}"]){opacity:.28 !important}`);
}
