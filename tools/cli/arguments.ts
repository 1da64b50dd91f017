// What the command line's numbers must look like.
import { InvalidArgumentError } from 'commander'

export function wholeNumber(given: string): number {
  const number = Number(given)
  if (!/^\d+$/.test(given) || !Number.isSafeInteger(number)) throw new InvalidArgumentError('A whole number is needed.')
  return number
}

export function commitNumber(given: string): number {
  const number = wholeNumber(given)
  if (number === 0) throw new InvalidArgumentError('Commits are numbered from 1.')
  return number
}

/** The option of commands that show a state. */
export const UNTIL = [
  '--until <commit>',
  'as it was after the commit of this number, which log tells',
  commitNumber,
] as const
