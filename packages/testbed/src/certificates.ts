import { isIP } from "node:net";
import { generate } from "selfsigned";

export interface CertificateOptions {
  /** What the server is reached as: DNS names and IP addresses; default ["localhost", "127.0.0.1"]. */
  names?: readonly string[];
  /** Both certificates ended a day ago. */
  expired?: boolean;
  /** Both certificates are signed by a CA of the same name that isn't the one in `ca`. */
  otherCa?: boolean;
}

/** PEM texts, made for one test. */
export interface TestCertificates {
  /** The CA that a peer should trust. */
  ca: string;
  /** The server's certificate. */
  cert: string;
  /** The server's private key. */
  key: string;
  /** For TLS with client certificates. */
  client: { cert: string; key: string };
}

const dayMs = 24 * 60 * 60 * 1000;
const elliptic = { keyType: "ec", curve: "P-256", algorithm: "sha256" } as const;

/** Makes a CA, and a server and a client certificate that it signed (ECDSA P-256). */
export async function testCertificates(options: CertificateOptions = {}): Promise<TestCertificates> {
  const { names = ["localhost", "127.0.0.1"], expired = false, otherCa = false } = options;
  const trusted = await makeCa();
  const signer = otherCa ? await makeCa() : trusted;
  const now = Date.now();
  const validity = {
    notBeforeDate: new Date(now - 10 * dayMs),
    notAfterDate: new Date(expired ? now - dayMs : now + 10 * dayMs),
  };

  const sign = async (commonName: string, use: { serverAuth?: boolean; clientAuth?: boolean }) => {
    const made = await generate([{ name: "commonName", value: commonName }], {
      ...elliptic,
      ...validity,
      ca: signer,
      extensions: [
        { name: "basicConstraints", cA: false, critical: true },
        { name: "keyUsage", digitalSignature: true, critical: true },
        { name: "extKeyUsage", ...use },
        { name: "subjectAltName", altNames: (use.serverAuth ? names : [commonName]).map(altName) },
      ],
    });
    return { cert: made.cert, key: made.private };
  };

  const [server, client] = await Promise.all([
    sign("Fleetwire test server", { serverAuth: true }),
    sign("fleetwire-test-client", { clientAuth: true }),
  ]);
  return { ca: trusted.cert, ...server, client };
}

async function makeCa(): Promise<{ cert: string; key: string }> {
  const made = await generate([{ name: "commonName", value: "Fleetwire test CA" }], {
    ...elliptic,
    notBeforeDate: new Date(Date.now() - 20 * dayMs),
    notAfterDate: new Date(Date.now() + 20 * dayMs),
    extensions: [
      { name: "basicConstraints", cA: true, critical: true },
      { name: "keyUsage", keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  return { cert: made.cert, key: made.private };
}

function altName(name: string) {
  return isIP(name) === 0 ? ({ type: 2, value: name } as const) : ({ type: 7, ip: name } as const);
}
