// What console.log shows of a value, whatever the engine makes of a Proxy: from Node 26 on it writes "Proxy(...)" around what is behind it.
import { inspect } from 'node:util'

export function printed(value: unknown): string {
  let text = inspect(value)
  for (let before = ''; before !== text;) {
    before = text
    text = text.replace(/Proxy\(((?:[^()]|\([^()]*\))*)\)/, '$1')
  }
  return text
}
