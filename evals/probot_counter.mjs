// Probot as it is meant to be used, with a handler that counts. It stores nothing.
// node probot_counter.mjs PACKAGES PORT   (PACKAGES: the folder npm installed probot into; secret in WEBHOOK_SECRET)
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import { pathToFileURL } from "node:url";

const [packages, port] = process.argv.slice(2);
const { Probot, createNodeMiddleware } = await import(pathToFileURL(`${packages}/node_modules/probot/lib/index.js`));
const { privateKey } = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs1", format: "pem" },
});

let count = 0;
const probot = new Probot({ appId: 7, privateKey, secret: process.env.WEBHOOK_SECRET, logLevel: "fatal" });
const middleware = await createNodeMiddleware((app) => app.on("issues", async () => { count += 1; }), {
  probot,
  webhooksPath: "/webhooks/github",
});
createServer((request, response) => {
  if (request.url === "/count") {
    response.end(String(count));
    return;
  }
  middleware(request, response, () => response.writeHead(404).end());
}).listen(Number(port), "127.0.0.1");
