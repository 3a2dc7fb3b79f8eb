package fsck

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/processors/webhooks"
	"github.com/weirhq/weir/topics"
)

func TestReferencesAreChecked(t *testing.T) {
	for _, c := range []corruption{
		{"a reference is gone", sql(`DELETE FROM psp_references`), []string{"reference: partition 0: payment pay_0000_", `that the PSP sandbox calls it "psp", but psp_references does not have that`}},
		{"a reference is another one", sql(`UPDATE psp_references SET reference = 'other'`), []string{"reference: partition 0: payment pay_0000_", "psp_references does not have that"}},
		{"a reference was learnt elsewhere", sql(`UPDATE psp_references SET position = 0`), []string{`reference "psp" of the PSP sandbox was learnt at position 1 for tenant acme, psp_references says at 0 for acme`}},
		{"a reference of another tenant", sql(`UPDATE psp_references SET tenant = 'other'`), []string{"psp_references says at 1 for other"}},
		{"a reference too many", sql(`INSERT INTO psp_references SELECT partition, psp, 'forged', payment, tenant, position FROM psp_references`),
			[]string{"reference: partition 0: payment pay_0000_", `psp_references has "forged" of the PSP sandbox for it, which no event gave it`}},
		{"a reference of a record to come", sql(`INSERT INTO psp_references SELECT partition, psp, 'forged', payment, tenant, 1000000000 FROM psp_references`),
			[]string{"reference: partition 0: payment pay_0000_", `psp_references has "forged" of the PSP sandbox for it, learnt at position 1000000000, which is not applied`}},
		{"a reference of no payment", sql(`INSERT INTO psp_references SELECT partition, psp, reference, '00000000-0000-0000-0000-000000000000', tenant, position FROM psp_references`),
			[]string{"payment pay_0000_00000000000000000000000000000000", "which no event gave it"}},
		{"a reference of no partition", sql(`INSERT INTO psp_references SELECT -1, psp, reference, payment, tenant, position FROM psp_references`),
			[]string{"partition: partition -1: psp_references"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t)
			f.at = time.Now().UTC().Truncate(time.Second)
			f.payByWebhook(customers(t)[0][0], "0190a3c4-5b6d-7e8f-9a0b-1c2d3e4f5a6b")
			f.publishAll()
			f.wantNone()
			c.check(f)
		})
	}
}

func TestParkedWebhooksAreChecked(t *testing.T) {
	f := newFixture(t)
	f.payAll()
	r := &kgo.Record{Topic: topics.PSPWebhooks, Partition: 1, Offset: 7, Timestamp: f.at, Value: []byte(`{"id":"ev_1"}`)}
	letter, err := stream.Letter(webhooks.Name, r, stream.DeadLetter{Reason: topics.RefusedUnknownPayment, Detail: "not known"}, topics.PSPWebhooksDeadLetters)
	f.must(err)
	id := webhooks.ParkedID(stream.Record{Partition: 1, Position: 7, Time: f.at, Value: r.Value})
	f.exec(`INSERT INTO parked_webhooks (partition, id, psp, parked_at, due, attempts, letter) VALUES (1, $1, 'sandbox', $2, $3, 0, $4)`,
		id, f.at, f.at.Add(time.Second), letter.Value)
	f.wantNone()
	for _, c := range []corruption{
		{"it is another record", sql(`UPDATE parked_webhooks SET id = '00000000-0000-0000-0000-000000000001'`), []string{"parked: partition 1: webhook psp.webhooks.v1:1:7", "not the hash of the record"}},
		{"it is never due", sql(`UPDATE parked_webhooks SET due = parked_at`), []string{"webhook psp.webhooks.v1:1:7", "tried 0 times, due"}},
		{"it is due when nobody lives", sql(`UPDATE parked_webhooks SET due = due + interval '100 years'`), []string{"parked: partition 1: webhook psp.webhooks.v1:1:7", "tried 0 times, due 2126-"}},
		{"it is of another partition", sql(`UPDATE parked_webhooks SET partition = 0`), []string{"parked: partition 0: webhook psp.webhooks.v1:1:7", "it is parked in partition 0"}},
	} {
		f.exec(`DELETE FROM parked_webhooks`)
		f.exec(`INSERT INTO parked_webhooks (partition, id, psp, parked_at, due, attempts, letter) VALUES (1, $1, 'sandbox', $2, $3, 0, $4)`,
			id, f.at, f.at.Add(time.Second), letter.Value)
		t.Run(c.name, func(t *testing.T) {
			sub := *f
			sub.t = t
			c.check(&sub)
		})
	}
}
