// The little language of the find box: words stand beside each other for "and", -word for "not", "two words" for a phrase.

export interface Word {
  text: string;
  not: boolean;
}

export function parseWords(input: string): Word[] {
  const words: Word[] = [];
  for (const match of input.matchAll(/(-?)(?:"([^"]*)"?|(\S+))/g)) {
    const word = (match[2] ?? match[3] ?? '').toLowerCase();
    if (word) words.push({ text: word, not: match[1] === '-' });
  }
  return words;
}

/** Whether every word is in one of the texts and every excluded word in none. */
export function matches(words: Word[], texts: string[]): boolean {
  return words.every(word => texts.some(text => text.includes(word.text)) !== word.not);
}
