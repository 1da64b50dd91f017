// SHA-256, by the system's library. That is loaded with the first one, as most programs need none.

/** Its 64 hexadecimal digits; a string is taken as UTF-8. */
export function sha256(data: string | Uint8Array): string {
  return process.getBuiltinModule('node:crypto').hash('sha256', data)
}
