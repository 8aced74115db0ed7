const word = /^[A-Za-z0-9_-]+$/;

/** Whether it is words, `*` (one word) and `#` (any number of words) joined by dots, at most 255 characters. */
export function isTopicPattern(pattern: unknown): pattern is string {
  if (typeof pattern !== "string" || pattern.length > 255) return false;
  return pattern.split(".").every((part) => part === "*" || part === "#" || word.test(part));
}

/** Whether a topic exchange would route `topic` by `pattern`: as AMQP 0-9-1 defines it, §3.1.3.3. */
export function matchesTopic(pattern: string, topic: string): boolean {
  const patterns = pattern.split(".");
  const words = topic.split(".");
  // reachable[w]: the patterns so far can match the first w words.
  let reachable = words.map(() => false);
  reachable.unshift(true);
  for (const part of patterns) {
    const next = reachable.map(() => false);
    for (let at = 0; at <= words.length; at++) {
      if (part === "#") next[at] = (reachable[at] ?? false) || (at > 0 && (next[at - 1] ?? false));
      else if (at > 0 && (part === "*" || part === words[at - 1])) next[at] = reachable[at - 1] ?? false;
    }
    reachable = next;
  }
  return reachable[words.length] ?? false;
}
