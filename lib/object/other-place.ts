// Where else in an object's state the same plain data stands: for the message that refuses it.
import { DEEPEST } from './adopt.js'
import { handlerOf } from './header.js'
import { Node } from './plain-node.js'
import type { Recordable } from './recordable.js'

/** The path of the first other place at which what stands at `path` stands. */
export function otherPlaceOf(path: string, owner: Recordable): string {
  const places: { value: unknown; path: string }[] = []
  const met = new Set<Node>()
  const walk = (value: unknown, at: string, depth: number): void => {
    places.push({ value, path: at })
    const node = handlerOf(value)
    if (!(node instanceof Node) || depth > DEEPEST || at === path || met.has(node)) return
    met.add(node)
    for (const [key, part] of Object.entries(node.target)) walk(part, `${at}.${key}`, depth + 1)
  }
  owner.eachSlot((value, key) => walk(value, `${owner.name}.${owner.keyName(key)}`, 0))
  const here = places.find(place => place.path === path)
  return places.find(place => place.value === here?.value && place.path !== path)?.path ?? 'another place'
}
