package risk_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/broker"
	"github.com/weirhq/weir/internal/chaos"
	"github.com/weirhq/weir/topics"
)

// process is risk and velocity behind a proxy of their own. Killed, it is cut off for good without a word, and what it does
// after that reaches nobody.
type process struct {
	proxy          *chaos.Proxy
	risk, velocity running
}

func (s *stage) process() *process {
	s.t.Helper()
	proxy, err := chaos.NewProxy(s.broker.Config.Brokers[0])
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = proxy.Close() })
	own := *s
	own.kafka = append(broker.Config{Brokers: []string{proxy.Addr()}}.Options(log(s.t)), kgo.Dialer(proxy.Dial))
	return &process{proxy, own.risk(), own.velocity(nil)}
}

func (p *process) kill() { p.proxy.Down() }

// Of a thousand attempts at once on one card, with a limit of five in an hour, exactly five pass, whoever dies meanwhile.
func TestAThousandAttemptsAtOnce(t *testing.T) {
	const attempts, limit = 1000, 5
	for _, processes := range []int{1, 3} {
		t.Run(fmt.Sprintf("%d processes", processes), func(t *testing.T) {
			s := newStage(t, fivePerHour)
			var all []*process
			for range processes {
				all = append(all, s.process())
			}
			for _, p := range all {
				s.await("every process has its partitions", func() bool { return p.risk.ready() == nil && p.velocity.ready() == nil })
			}
			var commands []topics.Command
			for range attempts {
				commands = append(commands, attempt("fp_1"))
			}
			s.send(commands[:attempts/2]...)
			s.assessed(attempts / 3)
			all[0].kill()
			s.send(commands[attempts/2:]...)
			if processes == 1 {
				s.process()
			}
			assessed, again := s.assessed(attempts)
			if got := outcomes(assessed); got[topics.OutcomePass] != limit || got[topics.OutcomeBlock] != attempts-limit {
				t.Errorf("outcomes %v, want %d passes", got, limit)
			}
			seen := map[int64]bool{}
			for _, in := range assessed {
				seen[in.Features["card_attempts_1h"].Value] = true
			}
			if len(seen) != attempts {
				t.Errorf("%d different answers to %d attempts", len(seen), attempts)
			}
			t.Logf("%d commands were assessed again", again)
		})
	}
}

func (s *stage) await(what string, condition func() bool) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 2*time.Minute)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			s.t.Fatal("timed out: ", what)
		}
	}
}
