import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Json } from './api.ts';

interface Span { readonly traceId: string; readonly spanId: string; readonly parentSpanId?: string; readonly name: string }

/** An OTLP endpoint that keeps what it is sent. */
export interface TraceCollector {
  readonly url: string;
  /** Everything that came, as it came. */
  text(): string;
  /** Names of a trace's spans from the one named up to the root. */
  chainOf(traceId: string, name: string): readonly string[];
  close(): void;
}

export const startTraceCollector = async (): Promise<TraceCollector> => {
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => {
      bodies.push(Buffer.concat(chunks).toString());
      response.setHeader('content-type', 'application/json').end('{}');
    });
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const { port } = server.address() as AddressInfo;
  const spans = (): readonly Span[] => bodies.flatMap((body) => {
    const { resourceSpans }: Json = JSON.parse(body);
    return (resourceSpans as Json[]).flatMap(({ scopeSpans }) => (scopeSpans as Json[]).flatMap((scope) => scope.spans as Span[]));
  });
  return {
    url: `http://127.0.0.1:${port}/v1/traces`,
    text: () => bodies.join('\n'),
    chainOf: (traceId, name) => {
      const own = spans().filter((span) => span.traceId === traceId);
      const chain: string[] = [];
      let next = own.find((span) => span.name === name);
      while (next !== undefined) {
        const { parentSpanId } = next;
        chain.push(next.name);
        next = own.find(({ spanId }) => spanId === parentSpanId);
      }
      return chain;
    },
    close: () => { server.closeAllConnections(); server.close(); },
  };
};
