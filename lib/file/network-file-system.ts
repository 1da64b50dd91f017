// Which file systems cannot be trusted with locks and appends of several machines: known by statfs type.
import { statfsSync } from 'node:fs'

// Values of f_type as in statfs(2) of Linux.
const NETWORK_TYPES = new Map<number, string>([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB2'],
  [0x01021997, '9P'],
  [0x65735546, 'FUSE'],
  [0x00c36400, 'Ceph'],
  [0x5346414f, 'AFS'],
  [0x73757245, 'Coda'],
  [0x013661, 'Lustre'],
  [0x0bd00bd0, 'Lustre'],
  [0x47504653, 'GPFS'],
  [0x19830326, 'BeeGFS'],
  [0x7461636f, 'OCFS2'],
  [0x01161970, 'GFS2'],
  [0x564c, 'NCP'],
  [0x786f4256, 'VirtualBox shared folder'],
])

/** The name of the network file system that holds `path`; undefined: it is on a local one, as far as is known. */
export function networkFileSystem(path: string): string | undefined {
  if (process.platform !== 'linux') return undefined
  return NETWORK_TYPES.get(statfsSync(path).type >>> 0)
}
