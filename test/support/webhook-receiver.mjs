/** `node webhook-receiver.mjs PORT FILE`: keeps what comes, a line each, and only then answers. To be killed at any moment. */
import { openSync, writeSync } from 'node:fs';
import { createServer } from 'node:http';

const [port, file] = process.argv.slice(2);
const kept = openSync(file, 'a');
createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    // One write, so that a kill leaves no half line behind a whole one.
    writeSync(kept, `${JSON.stringify({ id: request.headers['webhook-id'], body: Buffer.concat(chunks).toString('utf8') })}\n`);
    response.writeHead(204).end();
  });
}).listen(Number(port), '127.0.0.1', () => { process.stdout.write('ready\n'); });
