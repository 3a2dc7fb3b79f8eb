// Package checkpoints signs the heads of the ledger's chains (ledger/chain) and publishes them to ledger.checkpoints.v1, for
// outsiders to hold: whoever changes what was booked, and computes the chain anew, cannot change their copies.
//
// It signs what is committed. Several processes may run it: they sign the same heads, once each.
package checkpoints

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/mod/sumdb/note"

	"github.com/weirhq/weir/ledger/chain"
	"github.com/weirhq/weir/ledger/store"
	"github.com/weirhq/weir/topics"
)

// Role is the name in sources and configuration.
const Role = "checkpoints"

const roundWithin = 30 * time.Second

// Config of the role.
type Config struct {
	Pool     *pgxpool.Pool
	Kafka    []kgo.Opt
	Key      string        // of the signer, as weir ledger keygen prints it
	Interval time.Duration // between two looks, and so between two checkpoints of a partition
	Log      *slog.Logger
}

// Checkpoints is the role.
type Checkpoints struct {
	config Config
	signer note.Signer
	client *kgo.Client
	signed map[int32]chain.Head // and published
}

// New checks the key and returns the role.
func New(config Config) (*Checkpoints, error) {
	signer, err := note.NewSigner(config.Key)
	if err != nil {
		return nil, fmt.Errorf("the key is not one that weir ledger keygen prints: %w", err)
	}
	client, err := kgo.NewClient(append(append([]kgo.Opt(nil), config.Kafka...),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.RequiredAcks(kgo.AllISRAcks()))...)
	if err != nil {
		return nil, fmt.Errorf("kafka client: %w", err)
	}
	return &Checkpoints{config: config, signer: signer, client: client, signed: map[int32]chain.Head{}}, nil
}

// Run signs until ctx is done. What fails is tried again after the interval: a checkpoint that is late vouches for more.
func (c *Checkpoints) Run(ctx context.Context) error {
	defer c.client.Close()
	ticker := time.NewTicker(c.config.Interval)
	defer ticker.Stop()
	for {
		if err := c.round(ctx); err != nil && ctx.Err() == nil {
			c.config.Log.Warn("checkpoints were not published; trying again", "role", Role, "after", c.config.Interval.String(), "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// round signs the heads that have moved. A crash, or an answer that does not come, may leave a checkpoint that is published
// twice.
func (c *Checkpoints) round(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, roundWithin)
	defer cancel()
	heads, err := store.Heads(ctx, c.config.Pool)
	if err != nil {
		return err
	}
	var moved []chain.Head
	var records []*kgo.Record
	for _, head := range heads {
		if c.signed[head.Partition] == head {
			continue
		}
		record, err := c.sign(&head, time.Now())
		if err != nil {
			return err
		}
		moved, records = append(moved, head), append(records, record)
	}
	if len(records) == 0 {
		return nil
	}
	if err := c.client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return fmt.Errorf("produce to %s: %w", topics.LedgerCheckpoints, err)
	}
	for _, head := range moved {
		c.signed[head.Partition] = head
	}
	return nil
}

func (c *Checkpoints) sign(head *chain.Head, at time.Time) (*kgo.Record, error) {
	value, err := chain.Sign(*head, at, c.signer)
	if err != nil {
		return nil, err
	}
	partition := strconv.Itoa(int(head.Partition))
	envelope := topics.Envelope{
		ID: fmt.Sprintf("%s-%d-%d", partition, head.Entries, at.UnixMicro()), Source: "weir/" + Role, Type: topics.TypeCheckpoint,
		Subject: head.Last().String(), Time: at, ContentType: "text/plain; charset=utf-8",
	}
	record := &kgo.Record{Topic: topics.LedgerCheckpoints, Partition: head.Partition, Key: []byte(partition), Value: value}
	for _, h := range envelope.Headers() {
		record.Headers = append(record.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
	}
	return record, nil
}
