-- The authority over a shared token bucket: `BucketLedger` (ledger.py) inside Redis.
-- KEYS: the bucket. ARGV: holder, rate, burst, full, need, least, ahead, unused, spoken, back,
-- debt, seconds a silent holder is believed, the channel for recalls, the bucket's name, the time
-- (empty: Redis' own). Answers granted, ahead, retry, left, and 1 when others hold what is lacking.
local key, holder = KEYS[1], ARGV[1]
local rate, burst, full = tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4] == '1'
local need, least, ahead = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local unused, spoken = tonumber(ARGV[8]), tonumber(ARGV[9])
local back, debt, patience = tonumber(ARGV[10]), tonumber(ARGV[11]), tonumber(ARGV[12])
local now = tonumber(ARGV[15])
if not now then
  local time = redis.call('TIME')
  now = tonumber(time[1]) + tonumber(time[2]) / 1000000
end

local level, seen, mine, others = full and burst or 0, now, 0, 0
local fields = redis.call('HGETALL', key)
local gone = {}
for i = 1, #fields, 2 do
  local name, value = fields[i], fields[i + 1]
  if name == 'level' then
    level = tonumber(value)
  elseif name == 'seen' then
    seen = tonumber(value)
  else
    local amount, heard = string.match(value, '^(%S+) (%S+)$')
    if tonumber(heard) < now - patience then
      gone[#gone + 1] = name
    elseif name == 'held:' .. holder then
      mine = tonumber(amount)
    else
      others = others + tonumber(amount)
    end
  end
end
if #gone > 0 then redis.call('HDEL', key, unpack(gone)) end

level = math.min(level + math.max(0, now - seen) * rate, burst - others - mine)
mine = unused
level = math.min(level + back - debt, burst - others - mine)

local granted = math.min(need, level)
if least == math.floor(least) then granted = math.floor(granted) end
if granted < least or granted < 0 then granted = 0 end
if granted >= least then
  mine = unused - spoken
  ahead = math.floor(math.max(0, math.min(ahead, (level - granted) / 2)))
else
  ahead = 0
end
level = level - granted - ahead
mine = mine + ahead

local retry, lacking = 0, 0
if granted < least then
  local short = least - level
  if others > 0 and others >= short then
    lacking = 1
    redis.call('PUBLISH', ARGV[13], ARGV[14])
  end
  retry = 0.05
  if rate > 0 then retry = math.min(short / rate, retry) end
end

local function exact(number) return string.format('%.17g', number) end
redis.call('HSET', key, 'level', exact(level), 'seen', exact(math.max(seen, now)))
if mine > 0 then
  redis.call('HSET', key, 'held:' .. holder, exact(mine) .. ' ' .. exact(now))
else
  redis.call('HDEL', key, 'held:' .. holder)
end
local life = patience + 1
if rate > 0 then life = life + (burst - math.min(level, 0)) / rate else life = life + 86400 * 366 end
redis.call('PEXPIRE', key, math.ceil(math.min(life, 86400 * 366) * 1000))
return {exact(granted), exact(ahead), exact(retry), exact(math.max(0, level)), lacking}
