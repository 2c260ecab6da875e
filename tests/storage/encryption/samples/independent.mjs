// Writes the samples of this folder that are made without strongroom: by OpenSSL, through Node.
// Only Node's ciphers and digests are used, and upstream's forms as README.md tells them.
//   node independent.mjs
import { createCipheriv, createHmac } from "node:crypto";
import { writeFileSync } from "node:fs";

const fill = (byte, size = 32) => Buffer.alloc(size, byte);
const b64 = (bytes) => Buffer.from(bytes).toString("base64");
const joined = (...parts) => Buffer.concat(parts.map((part) => Buffer.from(part)));

function cbc(key, iv, value) {
  const cipher = createCipheriv(`aes-${key.length * 8}-cbc`, key, iv);
  return joined(iv, cipher.update(value), cipher.final());
}

function gcm(key, nonce, value, place) {
  const cipher = createCipheriv(`aes-${key.length * 8}-gcm`, key, nonce);
  if (place) cipher.setAAD(Buffer.from(place));
  return joined(nonce, cipher.update(value), cipher.final(), cipher.getAuthTag());
}

const varint = (n) => (n < 128 ? [n] : [(n & 127) | 128, ...varint(n >> 7)]);
const bytes = (number, value) =>
  joined([(number << 3) | 2], varint(value.length), Buffer.from(value));

// A Secret in JSON, and the same in protobuf: "k8s\0", runtime.Unknown with TypeMeta and raw bytes.
const meta = { name: "db", namespace: "shop", uid: "6e0c7c0e-0000-4000-8000-000000000001" };
const asJson = Buffer.from(
  `${JSON.stringify({ kind: "Secret", apiVersion: "v1", metadata: meta, data: { password: b64("s3cr3t") }, type: "Opaque" })}\n`,
);
const objectMeta = joined(bytes(1, meta.name), bytes(3, meta.namespace), bytes(5, meta.uid));
const entry = joined(bytes(1, "password"), bytes(2, "s3cr3t"));
const secret = joined(bytes(1, objectMeta), bytes(2, entry), bytes(3, "Opaque"));
const typeMeta = joined(bytes(1, "v1"), bytes(2, "Secret"));
const unknown = joined(bytes(1, typeMeta), bytes(2, secret), bytes(3, ""), bytes(4, ""));
const asProtobuf = joined("k8s\0", unknown);

const place = "/registry/secrets/shop/db";

function sample(name, provider, objects, more = {}) {
  const configuration = {
    apiVersion: "apiserver.config.k8s.io/v1",
    kind: "EncryptionConfiguration",
    resources: [{ resources: ["secrets"], providers: [provider, { identity: {} }] }],
  };
  const told = objects.map(([stored, plain]) => ({ key: place, stored: b64(stored), plain: b64(plain) }));
  const madeBy = `OpenSSL ${process.versions.openssl}, by independent.mjs`;
  writeFileSync(`${name}.json`, `${JSON.stringify({ madeBy, configuration, ...more, objects: told }, null, 1)}\n`);
}

const keys = (key) => ({ keys: [{ name: "key1", secret: b64(key) }] });
for (const size of [16, 32]) {
  const key = fill(7, size);
  sample(`aescbc-${size * 8}`, { aescbc: keys(key) }, [
    [joined("k8s:enc:aescbc:v1:key1:", cbc(key, fill(1, 16), asProtobuf)), asProtobuf],
    [asJson, asJson],
  ]);
  sample(`aesgcm-${size * 8}`, { aesgcm: keys(key) }, [
    [joined("k8s:enc:aesgcm:v1:key1:", gcm(key, fill(2, 12), asProtobuf, place)), asProtobuf],
    [joined("k8s:enc:aesgcm:v1:key1:", gcm(key, fill(3, 12), asJson, place)), asJson],
  ]);
}

const plugin = (version) => ({
  kms: { apiVersion: version, name: "vault", endpoint: "unix:///plugin.sock", timeout: "3s" },
});
const dataKey = fill(9);
const wrapped = Buffer.from("data key, as a plugin sealed it");
const decrypts = { plugin: [{ ciphertext: b64(wrapped), plaintext: b64(dataKey) }] };
const length = Buffer.from([wrapped.length >> 8, wrapped.length & 255]);
sample("kms-v1", plugin("v1"), [
  // Until 1.24 the value was under AES-CBC, since then under AES-GCM.
  [joined("k8s:enc:kms:v1:vault:", length, wrapped, cbc(dataKey, fill(4, 16), asProtobuf)), asProtobuf],
  [joined("k8s:enc:kms:v1:vault:", length, wrapped, gcm(dataKey, fill(5, 12), asProtobuf, place)), asProtobuf],
], decrypts);

const info = fill(6);
const derived = createHmac("sha256", dataKey).update(joined(info, [1])).digest();
const envelope = (data, type) =>
  joined(
    "k8s:enc:kms:v2:vault:",
    bytes(1, data),
    bytes(2, "key-1"),
    bytes(3, wrapped),
    bytes(4, joined(bytes(1, "version.example.com"), bytes(2, "1"))),
    type ? [5 << 3, type] : [],
  );
sample("kms-v2", plugin("v2"), [
  // Up to 1.27 under the data key; since then under a key derived from a seed and 32 stored bytes.
  [envelope(gcm(dataKey, fill(4, 12), asProtobuf, place), 0), asProtobuf],
  [envelope(joined(info, gcm(derived, fill(5, 12), asProtobuf, place)), 1), asProtobuf],
], decrypts);
