import { closest, distance } from "fastest-levenshtein";

/** `; did you mean "x"?` with the nearest of the known names, or nothing where none is near. */
export function didYouMean(name: string, known: readonly string[]): string {
  if (known.length === 0 || name.length > 200) return "";
  const nearest = closest(name, [...known]);
  return distance(name, nearest) <= Math.max(2, Math.floor(nearest.length / 3)) ? `; did you mean "${nearest}"?` : "";
}
