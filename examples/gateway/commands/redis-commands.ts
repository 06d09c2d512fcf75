/**
 * The commands of Redis that this gateway does not serve. They are told apart from commands that do
 * not exist, so that the error says which of the two it is.
 */
const NAMES = `
  acl append asking auth bgrewriteaof bgsave bitcount bitfield bitfield_ro bitop bitpos blmove
  blmpop blpop brpop brpoplpush bzmpop bzpopmax bzpopmin cluster copy dbsize debug decr decrby
  del delex digest discard dump eval eval_ro evalsha evalsha_ro exec exists expire expireat
  expiretime failover fcall fcall_ro flushall flushdb function geoadd geodist geohash geopos
  georadius georadius_ro georadiusbymember georadiusbymember_ro geosearch geosearchstore get
  getbit getdel getex getrange getset hdel hexists hexpire hexpireat hexpiretime hget hgetall
  hgetdel hgetex hincrby hincrbyfloat hkeys hlen hmget hmset hpersist hpexpire hpexpireat
  hpexpiretime hpttl hrandfield hscan hset hsetex hsetnx hstrlen httl hvals incr incrby
  incrbyfloat keys lastsave latency lcs lindex linsert llen lmove lmpop lolwut lpop lpos lpush
  lpushx lrange lrem lset ltrim memory mget migrate module monitor move mset msetex msetnx multi
  object persist pexpire pexpireat pexpiretime pfadd pfcount pfdebug pfmerge pfselftest psetex
  psubscribe psync pttl publish pubsub punsubscribe randomkey readonly readwrite rename renamenx
  replconf replicaof reset restore restore-asking role rpop rpoplpush rpush rpushx sadd save
  scan scard script sdiff sdiffstore set setbit setex setnx setrange shutdown sinter sintercard
  sinterstore sismember slaveof slowlog smembers smismember smove sort sort_ro spop spublish
  srandmember srem sscan ssubscribe strlen subscribe substr sunion sunionstore sunsubscribe
  swapdb sync time touch ttl type unlink unsubscribe unwatch vadd vcard vdim vemb vgetattr vinfo
  vismember vlinks vrandmember vrange vrem vsetattr vsim wait watch xack xackdel xautoclaim
  xclaim xdel xdelex xgroup xinfo xpending xread xreadgroup xsetid xtrim zadd zcard zcount zdiff
  zdiffstore zincrby zinter zintercard zinterstore zlexcount zmpop zmscore zpopmax zpopmin
  zrandmember zrange zrangebylex zrangebyscore zrangestore zrank zrem zremrangebylex
  zremrangebyrank zremrangebyscore zrevrange zrevrangebylex zrevrangebyscore zrevrank zscan
  zscore zunion zunionstore
`;

const UNSUPPORTED = new Set(NAMES.trim().split(/\s+/));

/** Whether Redis knows this command and the gateway does not serve it. */
export function isUnsupported(name: string): boolean {
  return UNSUPPORTED.has(name.toLowerCase());
}
