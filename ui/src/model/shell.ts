// Command lines: words to text and back, with the quoting of sh. Variables and substitutions are not expanded here; the
// program gets the words as they are.

const safe = /^[A-Za-z0-9_@%+=:,./-]+$/;

export function quote(word: string): string {
  if (word !== "" && safe.test(word)) return word;
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

export const joinWords = (words: string[]) => words.map(quote).join(" ");

export type Words = { ok: true; words: string[] } | { ok: false; error: string };

export function splitWords(text: string): Words {
  const words: string[] = [];
  let word = "";
  let open = false; // a word has begun, even an empty one
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (c === "'") {
      const end = text.indexOf("'", i + 1);
      if (end < 0) return { ok: false, error: "A ' is not closed." };
      word += text.slice(i + 1, end);
      open = true;
      i = end;
    } else if (c === '"') {
      open = true;
      for (i++; ; i++) {
        if (i >= text.length) return { ok: false, error: 'A " is not closed.' };
        if (text[i] === '"') break;
        if (text[i] === "\\" && '"\\$`'.includes(text[i + 1] ?? " ")) i++;
        word += text[i];
      }
    } else if (c === "\\") {
      if (text[i + 1] === "\n") {
        i++;
      } else if (i + 1 < text.length) {
        word += text[++i];
        open = true;
      }
    } else if (/\s/.test(c)) {
      if (open || word !== "") words.push(word);
      word = "";
      open = false;
    } else {
      word += c;
      open = true;
    }
  }
  if (open || word !== "") words.push(word);
  return { ok: true, words };
}
