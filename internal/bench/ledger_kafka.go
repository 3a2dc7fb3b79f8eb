package bench

import (
	"context"
	"errors"
)

// throughKafka measures wallet commands from wallet.commands.v1 to ledger.entries.v1, as a read_committed consumer sees it:
// an engine process, its broker and its database share the machine with the load.
func (l *ledgerBench) throughKafka(ctx context.Context) error {
	p, err := l.start(ctx, "risk,payments")
	if err != nil {
		return err
	}
	for _, kind := range []struct {
		name   string
		want   string
		rounds bool
	}{
		{"wallet commands through Kafka to committed entries", "≥ 12000, aim 25000", false},
		{"the same as bets and wins, a game round for every two", "", true},
	} {
		var done []int64
		load := newWalletLoad(l.bench.kafka, kind.rounds)
		err := under(ctx, load, false, func(ctx context.Context) (err error) {
			done, err = rates(ctx, load, l.Runs, l.For)
			return err
		})
		if err != nil {
			return errors.Join(err, p.stop())
		}
		l.figure(kind.name, "/s", kind.want, done...)
	}
	return p.stop()
}
