/** Reads the answers on one connection, one behind the other (RFC 9112 §6). */
export class AnswerReader {
  private rest: Buffer = Buffer.alloc(0)
  /** What is left of a body: so many bytes, chunks up to the last one, or all until the connection ends. */
  private left: number | 'chunks' | 'all' = 0
  private status: number | undefined

  /** `methodOf`: of the request that is answered next. `done` is told of each whole answer. */
  constructor(
    private readonly methodOf: () => string,
    private readonly done: (status: number) => void,
  ) {}

  read(chunk: Buffer): void {
    this.rest = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk])
    while (this.step());
  }

  /** Whether there may be more to read. */
  private step(): boolean {
    if (this.status === undefined) return this.readHead()
    if (this.left === 'all') return false
    if (this.left === 'chunks') return this.readChunk()
    if (this.rest.length < this.left) return false
    this.rest = this.rest.subarray(this.left)
    this.finish()
    return this.rest.length > 0
  }

  private readHead(): boolean {
    const end = this.rest.indexOf('\r\n\r\n')
    if (end < 0) return false
    const head = this.rest.toString('latin1', 0, end)
    this.rest = this.rest.subarray(end + 4)
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1] ?? NaN)
    if (Number.isNaN(status)) throw new Error(`no answer begins like this: ${head.slice(0, 200)}`)
    if (status < 200) return true
    this.status = status
    if (this.methodOf() === 'HEAD' || status === 204 || status === 304) this.left = 0
    else if (/^transfer-encoding: *chunked/im.test(head)) this.left = 'chunks'
    else {
      const length = /^content-length: *(\d+)/im.exec(head)?.[1]
      this.left = length === undefined ? 'all' : Number(length)
      // Its end is that of the connection, which then ends the requests behind it.
      if (this.left === 'all') this.done(status)
    }
    return true
  }

  private readChunk(): boolean {
    const line = this.rest.indexOf('\r\n')
    if (line < 0) return false
    const size = parseInt(this.rest.toString('latin1', 0, line), 16)
    const end = line + 2 + size + 2
    if (this.rest.length < end) return false
    this.rest = this.rest.subarray(end)
    if (size === 0) this.finish()
    return this.rest.length > 0
  }

  private finish(): void {
    const { status = 0 } = this
    this.status = undefined
    this.left = 0
    this.done(status)
  }
}
