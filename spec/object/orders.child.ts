// A process that takes orders by transactions with ids, and can die between the append of its commit and the answer.
import { systemDisk } from '../../lib/file/system-disk.js'
import { Persistent, type Connection } from '../../lib/index.js'
import { openWith } from '../../lib/object/open.js'
import { serve } from '../helpers/serve.js'
import { wrapDisk } from '../helpers/wrapped-disk.js'

class Root extends Persistent {
  static type = 'Root'
  orders: string[] = []
}

let dies = false
const disk = wrapDisk(systemDisk, (name, _n, go) => {
  const result = go()
  if (dies && name === 'write') process.kill(process.pid, 'SIGKILL')
  return result
})
const db = openWith(disk, process.argv[2] ?? '', { root: Root }) as Connection<Root>
const order = (id: string): number | null => db.transact(root => root.orders.push(id), { id }) ?? null

const methods = {
  order,
  orderAndDie(id: string) {
    dies = true
    return order(id)
  },
  resolve: (id: string) => db.resolve(id),
  orders: () => [...db.root.orders],
}
export type OrderMethods = typeof methods

serve(methods)
