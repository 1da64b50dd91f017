// What the command line's numbers must look like.
import { InvalidArgumentError } from 'commander'

export function wholeNumber(given: string): number {
  const number = Number(given)
  if (!/^\d+$/.test(given) || !Number.isSafeInteger(number)) throw new InvalidArgumentError('A whole number is needed.')
  return number
}
