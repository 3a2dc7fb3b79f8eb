package stream

import "time"

// Limits bounds everything a Fold, a Table or a Transform holds, waits for or repeats. A zero field takes its default.
type Limits struct {
	BatchRecords int // records of one partition in one database transaction; default 1000
	BatchBytes   int // of their keys and values; default 4 MiB
	RecordBytes  int // of one output, key, value and headers; default and most 900,000 (brokers take 1 MiB for a batch)
	QueueRecords int // outputs applied and not yet produced, for each partition; default 10,000
	QueueBytes   int // of their keys and values; default 16 MiB, at least two records
	FetchBytes   int // read ahead from the input, for each partition; default 1 MiB
	PageRows     int // rows of stream_log read at once when catching up; default 500
	InFlight     int // Transform: records begun and not yet acknowledged, for each partition; default 2000

	// BatchInterval is the least time between the beginnings of two database transactions that partitions of a process
	// share; default 1 ms. What comes after a pause never waits; else it gathers, because a transaction costs the database
	// far more than one more record in it. A partition that has much to do waits for none: its transactions are its own.
	BatchInterval      time.Duration
	FlushInterval      time.Duration // Table: between two commits of the changelog; default 1 s
	CommitInterval     time.Duration // between two Kafka commits of a partition; default 100 ms
	TransactionRecords int           // records after which a Kafka transaction is committed early; default 20,000
	TransactionTimeout time.Duration // after which the broker aborts an open transaction by itself; default 5 s
	SessionTimeout     time.Duration // of the group: how long a dead member keeps its partitions; default 6 s
	Heartbeat          time.Duration // of the group; default a sixth of the session's time, 1 s at most
	RebalanceTimeout   time.Duration // of the group; default 15 s

	ClaimTimeout    time.Duration // for O1 up to the first record; default 15 s
	DatabaseTimeout time.Duration // for one database transaction with its repeats, and for one read; default 15 s
	PublishTimeout  time.Duration // for the commit of one Kafka transaction; default 10 s
	BackoffFirst    time.Duration // before the first repeat after an error; default 100 ms
	BackoffLast     time.Duration // before any repeat; default 5 s
	BackoffStale    time.Duration // after another owner was seen: long enough to hear of a rebalance; default 1.5 s
	StoppedInterval time.Duration // after which a stopped partition is looked at again; default 1 min
	OffsetInterval  time.Duration // between two commits of group offsets, which only lag tools read; default 5 s

	DrainTimeout time.Duration // graceful stop: to apply and publish what is in hand; default 5 s
	LeaveTimeout time.Duration // graceful stop: for each of ending work, leaving, closing; default 1.5 s
}

// maxRecordBytes leaves room for what a broker's limit of 1 MiB counts besides the record itself.
const maxRecordBytes = 900_000

func orDefault[T int | time.Duration](value *T, standard T) {
	if *value <= 0 {
		*value = standard
	}
}

func (l Limits) withDefaults() Limits {
	orDefault(&l.BatchRecords, 1000)
	orDefault(&l.BatchBytes, 4<<20)
	orDefault(&l.RecordBytes, maxRecordBytes)
	orDefault(&l.QueueRecords, 10_000)
	orDefault(&l.QueueBytes, 16<<20)
	orDefault(&l.FetchBytes, 1<<20)
	orDefault(&l.PageRows, 500)
	orDefault(&l.InFlight, 2000)
	orDefault(&l.BatchInterval, 1*time.Millisecond)
	orDefault(&l.FlushInterval, time.Second)
	orDefault(&l.CommitInterval, 100*time.Millisecond)
	orDefault(&l.TransactionRecords, 20_000)
	orDefault(&l.TransactionTimeout, 5*time.Second)
	orDefault(&l.SessionTimeout, 6*time.Second)
	orDefault(&l.Heartbeat, min(l.SessionTimeout/6, time.Second))
	orDefault(&l.RebalanceTimeout, 15*time.Second)
	orDefault(&l.ClaimTimeout, 15*time.Second)
	orDefault(&l.DatabaseTimeout, 15*time.Second)
	orDefault(&l.PublishTimeout, 10*time.Second)
	orDefault(&l.BackoffFirst, 100*time.Millisecond)
	orDefault(&l.BackoffLast, 5*time.Second)
	orDefault(&l.BackoffStale, 1500*time.Millisecond)
	orDefault(&l.StoppedInterval, time.Minute)
	orDefault(&l.OffsetInterval, 5*time.Second)
	orDefault(&l.DrainTimeout, 5*time.Second)
	orDefault(&l.LeaveTimeout, 1500*time.Millisecond)
	l.RecordBytes = min(l.RecordBytes, maxRecordBytes)
	l.QueueBytes = max(l.QueueBytes, 2*l.RecordBytes)
	return l
}
