/**
 * A number in [0, 1) that depends on its arguments alone: the nth throw of a kind is the same in every run with the
 * same seed, whatever happens in between. FNV-1a over the text, then the finalizer of MurmurHash3.
 */
export function throwDice(seed: number, kind: string, n: number): number {
  let hash = 0x811c9dc5;
  for (const character of `${seed}/${kind}/${n}`) {
    hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
