package webhooks

import (
	"context"
	"sync"

	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

// pipeline is the stream.Pipeline of one partition: reports are looked up many at once.
type pipeline struct {
	*desk
	gathered *look
	looking  sync.WaitGroup
	retrying sync.WaitGroup
	stop     context.CancelFunc
}

// look is one look-up of several reports. owners and err are set when done is closed.
type look struct {
	reports []topics.PSPReport
	owners  []owner
	err     error
	done    chan struct{}
}

func newLook() *look { return &look{done: make(chan struct{})} }

// open begins the work on a partition, and that on what is parked in it.
func (d *desk) open(_ context.Context, partition int32) (stream.Pipeline, error) {
	ctx, cancel := context.WithCancel(context.Background())
	p := &pipeline{desk: d, gathered: newLook(), stop: cancel}
	p.retrying.Go(func() { d.retryRegularly(ctx, partition) })
	return p, nil
}

// Close implements stream.Pipeline.
func (p *pipeline) Close() {
	p.stop()
	p.looking.Wait()
	p.retrying.Wait()
}

// Begin implements stream.Pipeline.
func (p *pipeline) Begin(_ context.Context, record stream.Record) stream.FinishFunc {
	aside := tooOld(record, p.now())
	var report topics.PSPReport
	if aside == nil {
		var err error
		if report, err = p.mappers.Map(record); err != nil {
			aside = letter(err)
		}
	}
	if aside != nil {
		return func(context.Context) ([]stream.Message, *stream.DeadLetter, error) { return nil, aside, nil }
	}
	at, l := len(p.gathered.reports), p.gathered
	l.reports = append(l.reports, report)
	return func(ctx context.Context) ([]stream.Message, *stream.DeadLetter, error) {
		return p.finish(ctx, record, l, at)
	}
}

// Flush implements stream.Pipeline.
func (p *pipeline) Flush(ctx context.Context) {
	l := p.gathered
	if len(l.reports) == 0 {
		return
	}
	p.gathered = newLook()
	p.looking.Go(func() {
		defer close(l.done)
		l.owners, l.err = p.resolver.owners(ctx, l.reports)
	})
}

// finish sends a report on, or parks its webhook. A crash after the row is written and before the offset passes the record
// parks it again, under the same id.
func (p *pipeline) finish(ctx context.Context, record stream.Record, l *look, at int) ([]stream.Message, *stream.DeadLetter, error) {
	select {
	case <-l.done:
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
	report := l.reports[at]
	var o owner
	if l.err == nil {
		o = l.owners[at]
	} else { // of all of them: this one is asked for again by itself
		owners, err := p.resolver.owners(ctx, []topics.PSPReport{report})
		if err != nil {
			return nil, nil, err
		}
		o = owners[0]
	}
	partition, aside, parked := p.resolver.settle(&report, o)
	switch {
	case aside != nil:
		return nil, aside, nil
	case parked == "":
		return message(&report, partition)
	}
	fresh, err := p.rows.park(ctx, record, report.PSP, parked, p.now(), p.parking.First)
	if fresh {
		p.metrics.parked.WithLabelValues(report.PSP, "parked").Inc()
	}
	return nil, nil, err
}

// message is a report's record of the inbox, or the records of what it tells at once.
func message(report *topics.PSPReport, partition int32) ([]stream.Message, *stream.DeadLetter, error) {
	told := facts(report)
	messages := make([]stream.Message, len(told))
	for i := range told {
		told[i].Authentication = told[i].Authentication.Concealed()
		value, err := topics.Marshal(&told[i])
		if err != nil {
			return nil, &stream.DeadLetter{Reason: topics.RefusedPoison, Detail: err.Error()}, nil
		}
		messages[i] = stream.Message{
			Partition: partition,
			Output: stream.Output{
				Topic: topics.Inbox, Key: []byte(report.PaymentID), Value: value,
				Envelope: topics.Envelope{
					ID: told[i].ReportID, Type: topics.TypePSPReport, Subject: report.PaymentID, Tenant: report.Tenant, TraceID: report.TraceID,
				},
			},
		}
	}
	return messages, nil, nil
}

// facts are what a report tells. A movement of a dispute's funds may name its fee, which is a movement of its own: below zero, it
// is given back.
func facts(report *topics.PSPReport) []topics.PSPReport {
	if report.Operation != topics.OperationDispute || report.Dispute == nil || report.Fee == 0 {
		return []topics.PSPReport{*report}
	}
	if f := report.Dispute.Fact; f != topics.FactFundsWithdrawn && f != topics.FactFundsReinstated {
		return []topics.PSPReport{*report} // a notice names what a movement cost, too
	}
	funds, fee, of := *report, *report, *report.Dispute
	of.Fact, fee.Amount = topics.FactFee, report.Fee
	if report.Fee < 0 {
		of.Fact, fee.Amount = topics.FactFeeReturned, -report.Fee
	}
	if of.Movement != "" { // else the fee's own report id tells it apart
		of.Movement += "/fee"
	}
	fee.ReportID, fee.Dispute, fee.Fee = topics.WebhookReportID(report.PSP, report.ReportID+"/fee"), &of, 0
	funds.Fee = 0
	return []topics.PSPReport{funds, fee}
}
