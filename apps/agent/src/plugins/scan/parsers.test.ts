import * as fc from "fast-check";
import { expect, test } from "vitest";
import { composeDocument, type ScanDocument } from "./document.ts";
import { parseApkInstalled, parseDpkgStatus, parseRpmQuery } from "./packages.ts";
import { parseSocketTable } from "./ports.ts";
import { parsePasswd } from "./users.ts";

test("dpkg: what is installed, and not what was removed or half done; odd paragraphs are left out", () => {
  const status = `Package: bash
Essential: yes
Status: install ok installed
Architecture: amd64
Version: 5.2.15-2+b7
Description: GNU Bourne Again SHell
 Status: install ok nonsense
 .
 Version: of a description

Package: gone
Status: deinstall ok config-files
Version: 1

Package: half
Status: install reinstreq half-installed
Version: 2
\r
package: lower\r
STATUS:   hold   ok   installed\r
Version:3:1.0~rc1\r

Status: install ok installed
Version: nameless

Package: bare
Status: install ok installed

:
Package
Package: broken\u0007name
Status: install ok installed
Version: ${"9".repeat(500)}`;
  expect(parseDpkgStatus(status)).toEqual([
    { manager: "dpkg", name: "bash", version: "5.2.15-2+b7", arch: "amd64" },
    { manager: "dpkg", name: "lower", version: "3:1.0~rc1", arch: "" },
    { manager: "dpkg", name: "bare", version: "", arch: "" },
    { manager: "dpkg", name: "broken name", version: "9".repeat(256), arch: "" },
  ]);
});

test("apk: one package for each paragraph that has a name", () => {
  const installed =
    "C:Q1abc=\nP:musl\nV:1.2.4-r2\nA:x86_64\nF:lib\nR:ld-musl-x86_64.so.1\n\nV:1\n\nP:busybox\nV:1.36.1-r5\n\n\n";
  expect(parseApkInstalled(installed)).toEqual([
    { manager: "apk", name: "musl", version: "1.2.4-r2", arch: "x86_64" },
    { manager: "apk", name: "busybox", version: "1.36.1-r5", arch: "" },
  ]);
});

test("rpm: one package for each whole line, without imported keys", () => {
  const answer =
    "bash\t5.1.8-9.el9\tx86_64\ngpg-pubkey\t8483c65d-5ccc5b19\t(none)\nshort\nerror: rpmdb\n\nglibc\t2.34\ti686\textra\n";
  expect(parseRpmQuery(answer)).toEqual([
    { manager: "rpm", name: "bash", version: "5.1.8-9.el9", arch: "x86_64" },
    { manager: "rpm", name: "glibc", version: "2.34", arch: "i686" },
  ]);
});

const head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";
const line = (local: string, remote: string, state: string, inode = "4711") =>
  `   0: ${local} ${remote} ${state} 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1 0000000000000000 100 0 0 10 0\n`;

test("ports: what listens, in either order of bytes, and not what is connected", () => {
  const table =
    head +
    line("0100007F:1F90", "00000000:0000", "0A", "1") +
    line("0100007F:1F90", "0100007F:C350", "01", "2") +
    line("00000000:0016", "00000000:0000", "0A", "3");
  expect(parseSocketTable("tcp", table, "LE")).toEqual([
    { protocol: "tcp", address: "127.0.0.1", port: 8080, inode: "1" },
    { protocol: "tcp", address: "0.0.0.0", port: 22, inode: "3" },
  ]);
  expect(parseSocketTable("tcp", line("7F000001:0016", "00000000:0000", "0A"), "BE")).toMatchObject([
    { address: "127.0.0.1" },
  ]);
});

test("ports: IPv6 in its short form, and IPv4 that is mapped into it", () => {
  const none = "00000000000000000000000000000000:0000";
  const table =
    line("00000000000000000000000000000000:0050", none, "0A") +
    line("00000000000000000000000001000000:0051", none, "0A") +
    line("0000000000000000FFFF00000100007F:0052", none, "0A") +
    line("B80D0120000000000000000001000000:0053", none, "0A");
  expect(parseSocketTable("tcp6", table, "LE").map(({ address, port }) => [address, port])).toEqual([
    ["::", 80],
    ["::1", 81],
    ["::ffff:127.0.0.1", 82],
    ["2001:db8::1", 83],
  ]);
});

test("ports: a datagram socket counts while it has no peer", () => {
  const table = line("00000000:0035", "00000000:0000", "07") + line("0100007F:0036", "0100007F:0035", "01");
  expect(parseSocketTable("udp", table, "LE")).toMatchObject([{ address: "0.0.0.0", port: 53 }]);
});

test.each([
  "",
  head,
  "\n\n",
  "nonsense",
  line("0100007F", "00000000:0000", "0A"),
  line("XYZ:0016", "00000000:0000", "0A"),
  line("0100007F:00000016", "00000000:0000", "0A"),
  line("01007F:0016", "00000000:0000", "0A"),
  line("0100007F:0016", "00000000:0000", "0A", "none"),
])("ports: there are none in %j", (table) => {
  expect(parseSocketTable("tcp", table, "LE")).toEqual([]);
});

test("users: accounts, and neither comments, NIS entries, nor broken lines; no password is kept", () => {
  const passwd = `root:x:0:0:root:/root:/bin/bash
# comment:x:1:1::/:/
+::::::
-bad:x:1:1::/:/
nobody:*:65534:65534:,,,:/nonexistent:/usr/sbin/nologin\r
old:$1$secret$hash:1000:1000::/home/old:
minus:x:-1:5::/:/bin/sh
short:x:1
big:x:4294967294:99999999999::/:/bin/sh
spaced name:x:7:7::/:/bin/sh
ünï:x:8:8::/home/ü\u001b[2J:/bin/sh
:x:9:9::/:/bin/sh`;
  const users = parsePasswd(passwd);
  expect(users).toEqual([
    { name: "root", uid: 0, gid: 0, home: "/root", shell: "/bin/bash" },
    { name: "nobody", uid: 65_534, gid: 65_534, home: "/nonexistent", shell: "/usr/sbin/nologin" },
    { name: "old", uid: 1000, gid: 1000, home: "/home/old", shell: "" },
    { name: "ünï", uid: 8, gid: 8, home: "/home/ü [2J", shell: "/bin/sh" },
  ]);
  expect(JSON.stringify(users)).not.toContain("secret");
});

test("whatever the files hold, the parsers give only whole entries of texts without control characters", () => {
  const parsers = [
    parseDpkgStatus,
    parseApkInstalled,
    parseRpmQuery,
    parsePasswd,
    (text: string) => parseSocketTable("tcp6", text, "LE"),
  ];
  const piece = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom(
      "\n",
      "\n\n",
      ":",
      "\t",
      "Package: a",
      "Status: install ok installed",
      "P:",
      "x:1:1:",
      " 0A ",
      "0100007F:0016",
    ),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      const texts = parsers.flatMap((parse) => parse(pieces.join("")).flatMap((entry) => Object.values(entry)));
      // oxlint-disable-next-line no-control-regex -- what must not be there
      expect(texts.join("")).not.toMatch(/[\u0000-\u001f\u007f]/);
    }),
  );
});

test("a document that is too large gives up the end of its longest list, and says so", () => {
  const items = Array.from({ length: 1_000 }, (_, n) => ({
    manager: "dpkg" as const,
    name: `package-${n}`,
    version: "1",
    arch: "all",
  }));
  const document: ScanDocument = {
    platform: "linux",
    packages: { total: 1_000, truncated: false, items },
    users: { total: 1, truncated: false, items: [{ name: "root", uid: 0, gid: 0, home: "/root", shell: "" }] },
    errors: [],
  };
  const text = composeDocument(document, 10_000);
  expect(Buffer.byteLength(text)).toBeLessThanOrEqual(10_000);
  const parsed = JSON.parse(text);
  expect(parsed).toMatchObject({ packages: { total: 1_000, truncated: true }, users: { total: 1, truncated: false } });
  expect(parsed.packages.items.length).toBeGreaterThan(50);
  expect(JSON.parse(composeDocument({ platform: "x".repeat(100), errors: [] }, 10)).errors).toEqual([]);
});
