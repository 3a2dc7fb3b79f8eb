package statements

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/ledger/statement"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

const (
	transactionTimeout = 15 * time.Second // after which the broker aborts what a dead leader left open
	closeWithin        = 1500 * time.Millisecond
)

// publisher writes ledger.balances.v1 as the leader.
type publisher struct{ client *kgo.Client }

// newPublisher takes the lead: what a former leader still sends is refused from here on.
func newPublisher(ctx context.Context, options []kgo.Opt) (*publisher, error) {
	client, err := kgo.NewClient(append(append([]kgo.Opt(nil), options...),
		kgo.TransactionalID(transactionalID), kgo.TransactionTimeout(transactionTimeout),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.RequiredAcks(kgo.AllISRAcks()))...)
	if err != nil {
		return nil, fmt.Errorf("kafka client: %w", err)
	}
	p := &publisher{client}
	ctx, cancel := context.WithTimeout(ctx, kafkaWithin)
	defer cancel()
	if _, _, err := client.ProducerID(ctx); err != nil {
		p.close()
		return nil, fmt.Errorf("take the lead: %w", ledOr(err))
	}
	return p, nil
}

// close closes the client, and stops waiting after a while: with the broker away, closing waits for it.
func (p *publisher) close() {
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.client.Close()
	}()
	select {
	case <-done:
	case <-time.After(closeWithin):
	}
}

// publish writes the balances in one Kafka transaction. After an error the client is of no use any more: the transaction
// may have been committed or not, and the next leader publishes the same again.
func (p *publisher) publish(ctx context.Context, last []statement.Last) error {
	if len(last) == 0 {
		return nil
	}
	if err := p.client.BeginTransaction(); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	records := make([]*kgo.Record, len(last))
	for i := range last {
		var err error
		if records[i], err = balanceRecord(&last[i]); err != nil {
			return err
		}
	}
	if err := p.client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return err
	}
	if err := p.client.EndTransaction(ctx, kgo.TryCommit); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// balanceRecord is the record of a balance. Its key holds account and partition, so that compaction keeps one for each,
// also for a reader who puts all partitions into one table.
func balanceRecord(last *statement.Last) (*kgo.Record, error) {
	account, entry := last.Account, topics.EventID(last.Entry())
	id := account.ID().String()
	value, err := topics.Marshal(&topics.LedgerBalance{
		AccountID: id, Tenant: account.Tenant, Code: string(account.Code), Owner: account.Owner,
		Currency: string(account.Currency), Partition: last.Partition, Balance: last.Minor,
		EntryID: entry.String(), BookedAt: last.Booked,
	})
	if err != nil {
		return nil, fmt.Errorf("balance of account %s: %w", id, err)
	}
	key := fmt.Sprintf("%s-%d", id, last.Partition)
	envelope := topics.Envelope{
		ID: entry.String() + "-" + id, Source: stream.SourceOf(Role), Type: topics.TypeLedgerBalance, Subject: id,
		Time: last.Booked, Tenant: account.Tenant,
	}
	record := &kgo.Record{Topic: topics.LedgerBalances, Partition: last.Partition, Key: []byte(key), Value: value}
	for _, h := range envelope.Headers() {
		record.Headers = append(record.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
	}
	return record, nil
}
