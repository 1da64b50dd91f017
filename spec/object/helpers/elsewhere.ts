// A connection as another process would have it: the same file through a Store of its own. Good for what objects see of
// other people's commits; claims about locks and descriptors are tested with real processes.
import { systemDisk } from '../../../lib/file/system-disk.js'
import type { Connection, OpenOptions } from '../../../lib/index.js'
import { openWith } from '../../../lib/object/open.js'

export function elsewhere<Root>(
  path: string,
  options: OpenOptions & { readonly root?: object } = {},
): Connection<Root> {
  const disk = Object.create(systemDisk) as typeof systemDisk
  return openWith(disk, path, { durability: 'os', ...options }) as Connection<Root>
}
