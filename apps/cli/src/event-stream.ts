/** A server-sent event with its data, which are JSON; `id` null where it has none of its own. */
export interface ServerEvent { readonly id: string | null; readonly name: string; readonly data: unknown }

/** What the lines of a block come to; null for comments and settings alone. */
const eventOf = (block: string): ServerEvent | null => {
  const values = (field: string): readonly string[] => block.split('\n').filter((line) => line.startsWith(`${field}:`)).map((line) => line.slice(field.length + 1).replace(/^ /, ''));
  const data = values('data');
  return data.length === 0 ? null : { id: values('id').at(-1) ?? null, name: values('event').at(-1) ?? 'message', data: JSON.parse(data.join('\n')) };
};

/** The events of a text/event-stream as they come; what is cut off at its end is none. */
export const serverEvents = async function* (chunks: AsyncIterable<string>): AsyncGenerator<ServerEvent> {
  let rest = '';
  for await (const chunk of chunks) {
    const blocks = (rest + chunk).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const event = eventOf(block);
      if (event !== null) yield event;
    }
  }
};
