import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { CommandRejected } from './command-rejected.ts';
import { parseBody } from './validation.ts';

describe('a body that is wrong in many places', () => {
  it('is refused with the first hundred of them and their number', () => {
    const body = Object.fromEntries(Array.from({ length: 20_000 }, (_, n) => [`unknown${n}`, 0]));
    const refusal = ((): unknown => { try { return parseBody(z.strictObject({}), body); } catch (error) { return error; } })();
    expect(refusal).toBeInstanceOf(CommandRejected);
    expect(refusal).toMatchObject({ code: 'validation-failed', message: expect.stringContaining('the first 100 of 20000 places are named') });
    expect((refusal as CommandRejected).errors).toHaveLength(100);
  });
});
