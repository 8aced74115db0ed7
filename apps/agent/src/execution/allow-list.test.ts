import * as fc from "fast-check";
import { expect, test } from "vitest";
import { createAllowList } from "./allow-list.ts";

test.each([
  ["uptime", "uptime", true],
  ["uptime", "  uptime ", true],
  ["uptime", "uptime -p", false],
  ["uptime ...", "uptime", true],
  ["uptime ...", "uptime -p --since", true],
  ["systemctl status *", "systemctl status nginx", true],
  ["systemctl status *", "systemctl status", false],
  ["systemctl status *", "systemctl stop nginx", false],
  ["df -*", "df -h", true],
  ["df -*", "df h", false],
  ["ls /var/log/*", "ls /var/log/a.log", true],
  ["echo ...", "echo a > /etc/passwd", false],
  ["echo ...", "echo `id`", false],
  ["echo ...", "echo a\nid", false],
  ["echo ...", "PATH=/tmp echo a", false],
  ["* ...", "PATH=/tmp id", false],
  ["echo ...", "echo ~root", false],
  ["echo ...", "echo *", false],
  ["df -h | sort", "df -h | sort", true],
  ["df -h | sort", "df -h | sort -r", false],
  ["a.c", "abc", false],
  ["...", "anything", false],
  ["", "", false],
])("the entry %j and the line %j: %s", (entry, line, allowed) => {
  expect(createAllowList([entry]).allowsLine(line)).toBe(allowed);
});

test("a program is compared word by word with its arguments as they are", () => {
  const list = createAllowList(["echo *", "tar -x ..."]);
  expect(list.allowsProgram("echo", ["a b; rm"])).toBe(true);
  expect(list.allowsProgram("echo", ["a", "b"])).toBe(false);
  expect(list.allowsProgram("/bin/echo", ["a"])).toBe(false);
  expect(list.allowsProgram("tar", ["-x", "-f", "a.tar"])).toBe(true);
  expect(list.allowsProgram("tar -x", [])).toBe(false);
});

test("an empty list allows nothing", () => {
  expect(createAllowList([]).allowsLine("true")).toBe(false);
});

test("a line with any shell syntax is never matched by words", () => {
  const list = createAllowList(["echo ...", "* ..."]);
  const syntax = fc.constantFrom(...Array.from("$`;&|<>()\\\"'*?[]{}~#!\n\0"));
  fc.assert(
    fc.property(fc.string(), syntax, fc.string(), (before, character, after) => {
      expect(list.allowsLine(`echo ${before}${character}${after}`)).toBe(false);
    }),
  );
});
