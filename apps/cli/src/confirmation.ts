import { createInterface } from 'node:readline/promises';
import { UsageError } from './api-client.ts';

/** Asks whoever sits at the terminal. @throws UsageError with `alone` (English, Chinese) where there is nobody to ask. */
export const isConfirmed = async (question: string, alone: readonly [en: string, zh: string]): Promise<boolean> => {
  if (!process.stdin.isTTY) throw new UsageError(...alone);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^(y|yes|是)$/i.test((await terminal.question(`${question} `)).trim());
  } finally {
    terminal.close();
  }
};
