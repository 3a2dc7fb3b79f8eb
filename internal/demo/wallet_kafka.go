package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/topics"
)

// walletSide is the Kafka side of wallets: a plain client that writes commands, as a game server would, and reads
// wallet.events.v1. What it reads is of both sides.
type walletSide struct {
	client *kgo.Client
	board  *scoreboard

	players map[string]*playing // by customer
	left    int                 // events that must still come
	right   int                 // wallets that came to hold what their story has
	events  map[string]bool     // ids

	commands map[topics.WalletCommandType]int
	happened map[topics.WalletEventType]int
	refusals map[topics.RefusalCode]int
}

// playing is a player under way.
type playing struct {
	*player
	next    int // move, of which the event is to come
	expire  int // holds that must still run out
	balance topics.WalletBalance
}

func newWalletSide(options []kgo.Opt, players []*player, board *scoreboard) (*walletSide, error) {
	client, err := kgo.NewClient(append(append([]kgo.Opt(nil), options...),
		kgo.ConsumeTopics(topics.WalletEvents), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ProducerLinger(0))...)
	if err != nil {
		return nil, fmt.Errorf("kafka client: %w", err)
	}
	w := &walletSide{client: client, board: board, players: map[string]*playing{}, events: map[string]bool{},
		commands: map[topics.WalletCommandType]int{}, happened: map[topics.WalletEventType]int{}, refusals: map[topics.RefusalCode]int{}}
	for _, p := range players {
		now := &playing{player: p}
		for _, m := range p.moves {
			w.commands[m.command.Type]++
			if m.expires {
				now.expire++
			}
		}
		w.players[p.customer] = now
		w.left += len(p.moves) + now.expire
	}
	return w, nil
}

// run sends the commands of this side's players and reads until those of both sides have had their events.
func (w *walletSide) run(ctx context.Context, players []*player) error {
	for _, p := range players {
		if p.overHTTP {
			continue
		}
		for _, m := range p.moves {
			if err := w.send(ctx, p, m); err != nil {
				return err
			}
		}
	}
	for w.left > 0 {
		fetches := w.client.PollFetches(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err := fetches.Err(); err != nil {
			return fmt.Errorf("read %s: %w", topics.WalletEvents, err)
		}
		for record := range fetches.RecordsAll() {
			var event topics.WalletEvent
			if err := topics.Unmarshal(record.Value, &event); err != nil {
				return fmt.Errorf("%s %d/%d: %w", record.Topic, record.Partition, record.Offset, err)
			}
			w.take(&event)
		}
	}
	for _, p := range w.players {
		if p.balance != p.end {
			w.board.problem("wallet of %s (%s): is %+v, should be %+v", p.customer, p.story, p.balance, p.end)
			continue
		}
		w.right++
	}
	return nil
}

// send writes a command. Those of one customer have one key, and so one order.
func (w *walletSide) send(ctx context.Context, p *player, m *move) error {
	command := m.command
	command.IssuedAt = time.Now().UTC()
	if m.expires {
		command.ExpiresAt = command.IssuedAt.Add(holdFor)
	}
	value, err := topics.Marshal(command)
	if err != nil {
		return fmt.Errorf("encode the command: %w", err)
	}
	times := 1
	if p.twice {
		times = 2
	}
	for range times {
		record := &kgo.Record{Topic: topics.WalletCommands, Key: []byte(command.CustomerID), Value: value}
		w.client.Produce(ctx, record, func(_ *kgo.Record, err error) {
			if err != nil && !errors.Is(err, context.Canceled) {
				w.board.problem("wallet of %s: produce: %v", p.customer, err)
			}
		})
	}
	return nil
}

// take compares an event with what must come of the command that is next: a customer has one order.
func (w *walletSide) take(e *topics.WalletEvent) {
	if w.events[e.EventID] {
		w.board.problem("event %s came twice to a read_committed reader", e.EventID)
	}
	w.events[e.EventID] = true
	p := w.players[e.CustomerID]
	if p == nil {
		return // of another run on the same cluster
	}
	w.happened[e.Type]++
	if e.Refusal != "" {
		w.refusals[e.Refusal]++
	}
	if e.Balance != nil {
		p.balance = *e.Balance
	}
	expired := e.Type == topics.WalletHoldExpired
	if expired && p.expire == 0 || !expired && p.next == len(p.moves) {
		w.board.problem("wallet of %s (%s): %s %s, for which nothing was asked", p.customer, p.story, e.EventID, e.Type)
		return
	}
	w.left--
	if expired {
		p.expire--
		return
	}
	m := p.moves[p.next]
	p.next++
	if e.Type != m.becomes || e.Refusal != m.refusal {
		w.board.problem("wallet of %s (%s): %s became %s %s %s, should %s %s", p.customer, p.story, m.command.Type, e.Type,
			e.Refusal, e.Detail, m.becomes, m.refusal)
	}
}

// open lists the players of whom something must still come.
func (w *walletSide) open() []string {
	var lines []string
	for _, p := range w.players {
		if p.next < len(p.moves) || p.expire > 0 {
			lines = append(lines, fmt.Sprintf("wallet of %s (%s): %d of %d commands have their event, %d holds must still run out",
				p.customer, p.story, p.next, len(p.moves), p.expire))
		}
	}
	return lines
}
