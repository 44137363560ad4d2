import type { Json } from './api.ts';

/** A server-sent event with data; one without a name is a `message`. */
export interface ServerEvent { readonly id?: string; readonly event: string; readonly data: Json }

const parsed = (block: string): ServerEvent | null => {
  const fields = Object.fromEntries(block.split('\n').filter((line) => /^[a-z]+: /.test(line)).map((line) => [line.slice(0, line.indexOf(': ')), line.slice(line.indexOf(': ') + 2)]));
  return fields['data'] === undefined ? null : { ...(fields['id'] !== undefined && { id: fields['id'] }), event: fields['event'] ?? 'message', data: JSON.parse(fields['data']) };
};

/** The events of an answer as they come. */
export const serverEvents = async function* (response: Response): AsyncGenerator<ServerEvent> {
  let rest = '';
  for await (const text of response.body!.pipeThrough(new TextDecoderStream())) {
    const blocks = (rest + text).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const event = parsed(block);
      if (event !== null) yield event;
    }
  }
};
