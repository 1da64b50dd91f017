// What the processes of this example share: packages as objects, dependencies as references between them.
import { open, Persistent, PersistentMap, type Connection } from 'perdure'

export class Package extends Persistent {
  static type = 'Package'
  /** Its folder below node_modules: a package can be installed in several versions. */
  location = ''
  name = ''
  version = ''
  /** What its package.json says it needs, by name; where it is installed, the package itself. */
  dependencies = new PersistentMap<string, Package>()
  /** How many packages depend on this one: shared by all processes. */
  dependents = 0
}

export class Graph extends Persistent {
  static type = 'Graph'
  packages = new PersistentMap<string, Package>()
}

export function openGraph(path: string, options: { readonly?: boolean } = {}): Connection<Graph> {
  return open(path, { root: Graph, classes: [Package], durability: 'os', ...options })
}
