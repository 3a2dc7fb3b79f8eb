package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/internal/config"
	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/internal/deadletters"
	"github.com/weirhq/weir/internal/deliveries"
	"github.com/weirhq/weir/internal/engine"
	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/payments"
	"github.com/weirhq/weir/processors/payments/view"
	"github.com/weirhq/weir/processors/webhooks"
	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/topics"
)

func newWebhooksCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "webhooks",
		Short: "List what PSPs have told us by webhooks and what became of it, show one, and have it told again",
		Long: `Each verified webhook is kept as it was received, for 90 days, a card number in it masked. What became of it is looked up:

  applied        the payment has it, by this delivery or by another one of the same event
  parked         its payment is not known yet; it is tried again until webhooks.park_for is over
  dead_lettered  put aside, with the reason; unknown_event is a kind of event that nobody here need know
  waiting        on its way
  forgotten      older than 30 days: it cannot be told any more`,
		Args: noCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newWebhooksListCommand(a), newWebhooksShowCommand(a), newWebhooksReplayCommand(a))
	return cmd
}

// withDeliveries calls f with the log of webhooks.
func (a *app) withDeliveries(cmd *cobra.Command, f func(context.Context, *deliveries.Log) error) error {
	return a.withDatabase(cmd, func(ctx context.Context, db *database.DB, c *config.Config, log *slog.Logger) error {
		mappers, err := engine.Mappers(c)
		if err != nil {
			return fmt.Errorf("%w: %w", errConfiguration, err)
		}
		if len(mappers) == 0 {
			return fmt.Errorf("%w: psp is empty, and without it no webhook can be read; pass the --config of the engine", errConfiguration)
		}
		return a.withBroker(c, log, func(kafka []kgo.Opt) error {
			return f(ctx, &deliveries.Log{Kafka: kafka, Pool: db.Pool, Mappers: mappers, Partitions: c.Kafka.Partitions})
		})
	})
}

// deliveryFlags are the filters of list and replay.
type deliveryFlags struct {
	psp, since, state, payment string
	limit                      int
}

func (f *deliveryFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.psp, "psp", "", "only webhooks of this PSP")
	cmd.Flags().StringVar(&f.since, "since", "24h", "only webhooks received since then: an age such as 24h, or a time such as 2026-01-31T09:30:00Z")
	cmd.Flags().StringVar(&f.state, "state", "", "only webhooks that became of it: applied, parked, dead_lettered, waiting or forgotten")
	cmd.Flags().StringVar(&f.payment, "payment", "", "only webhooks of this payment, by our id or by what the PSP calls it")
	cmd.Flags().IntVar(&f.limit, "limit", 0, "at most so many, those that were received first; 0: all")
}

func (f *deliveryFlags) filter(now time.Time) (deliveries.Filter, error) {
	letters := letterFlags{since: f.since, limit: f.limit}
	since, err := letters.filter(now)
	if err != nil {
		return deliveries.Filter{}, err
	}
	filter := deliveries.Filter{PSP: f.psp, Since: since.Since, State: deliveries.State(f.state), Payment: f.payment}
	if f.state != "" && !slices.Contains(deliveries.States(), filter.State) {
		return filter, usageError{fmt.Errorf("flag --state: %q: want one of %v", f.state, deliveries.States())}
	}
	return filter, nil
}

// knownPSP refuses a PSP that is not configured where none of its webhooks was found: that may be a slip of the pen. Those of
// a PSP that is not configured any more are found.
func knownPSP(name string, mappers webhooks.Mappers) error {
	names := slices.Sorted(maps.Keys(mappers))
	if name == "" || slices.Contains(names, name) {
		return nil
	}
	return usageError{fmt.Errorf("flag --psp: no PSP %q is configured; %s", name, rules.Suggest(name, names))}
}

// eachDelivery calls handle for at most limit deliveries.
func eachDelivery(ctx context.Context, log *deliveries.Log, f deliveries.Filter, limit int, handle func(*deliveries.Delivery) error) error {
	seen := 0
	err := log.Read(ctx, f, func(d *deliveries.Delivery) error {
		if err := handle(d); err != nil {
			return err
		}
		if seen++; seen == limit {
			return errEnough
		}
		return nil
	})
	switch {
	case errors.Is(err, errEnough):
		return nil
	case err == nil && seen == 0:
		return knownPSP(f.PSP, log.Mappers)
	}
	return err
}

// deliveryLine is a delivery as JSON.
type deliveryLine struct {
	Webhook string `json:"webhook"`
	*deliveries.Delivery
	Body []byte `json:"body"`
}

func (a *app) printDeliveryJSON(d *deliveries.Delivery) error {
	line, err := topics.Marshal(deliveryLine{d.ID.String(), d, d.Body()})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.out, "%s\n", line)
	return err
}

func newWebhooksListCommand(a *app) *cobra.Command {
	var flags deliveryFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "Print the webhooks that were received, and what became of each",
		Long: `Print the webhooks that were received, the first of them first, and what became of each. It changes nothing. With --json
each line is one webhook with its body in base64.`,
		Example: "  weir webhooks list --psp sandbox --since 1h\n  weir webhooks list --state parked --since 72h",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			filter, err := flags.filter(time.Now())
			if err != nil {
				return err
			}
			return a.withDeliveries(cmd, func(ctx context.Context, log *deliveries.Log) error {
				if asJSON {
					return eachDelivery(ctx, log, filter, flags.limit, a.printDeliveryJSON)
				}
				table := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
				fmt.Fprintln(table, "RECEIVED\tWEBHOOK\tPSP\tSAYS\tPAYMENT\tSTATE\tDETAIL")
				rows := 0
				err := eachDelivery(ctx, log, filter, flags.limit, func(d *deliveries.Delivery) error {
					_, err := fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", d.Received.Format(time.RFC3339), d.ID, d.PSP, saidBy(d), paymentOf(d), d.State, becameOf(d))
					if rows++; rows%alignedRows == 0 {
						err = errors.Join(err, table.Flush())
					}
					return err
				})
				if err != nil && rows == 0 {
					return err
				}
				return errors.Join(err, table.Flush())
			})
		},
	}
	a.addConfigFlags(cmd)
	flags.add(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON, one object to a line")
	return cmd
}

// saidBy is what a delivery says, "" where it does not map.
func saidBy(d *deliveries.Delivery) string {
	r := d.Report
	if r == nil {
		return ""
	}
	said := string(r.Operation) + " " + cmp.Or(string(r.DisputeFact), string(r.Outcome))
	currency := ledger.Currency(r.Currency)
	if _, ok := currency.Exponent(); ok && r.Amount != 0 {
		said += " " + ledger.Money{Minor: r.Amount, Currency: currency}.String()
	}
	return said
}

// paymentOf is the payment, or by what it is named where that is not known.
func paymentOf(d *deliveries.Delivery) string {
	switch r := d.Report; {
	case r == nil:
		return ""
	case r.PaymentID != "":
		return r.PaymentID
	case r.Named != "":
		return printable(r.Named, shownKey)
	default:
		return printable(r.PSPReference, shownKey)
	}
}

// becameOf is what else there is to say of a delivery's state.
func becameOf(d *deliveries.Delivery) string {
	switch d.State {
	case deliveries.Applied:
		return "by record " + d.Record
	case deliveries.Parked:
		return fmt.Sprintf("tried %d times, next at %s", d.Attempts, d.ParkedUntil.Format(time.RFC3339))
	case deliveries.DeadLettered:
		return string(d.Reason) + ": " + printable(d.Why, shownDetail)
	}
	return printable(d.Why, shownDetail)
}

func newWebhooksShowCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "show WEBHOOK",
		Short:   "Print one webhook: its body as it was received, and what it led to",
		Long:    `Print one webhook, by partition:offset as list prints it: what it says, what became of it, the events that it caused, and its body as it was received, card numbers masked.`,
		Example: "  weir webhooks show 3:1042",
		Args:    one("webhook, as weir webhooks list prints it: weir webhooks show 3:1042"),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := deliveries.ParseID(args[0])
			if err != nil {
				return usageError{err}
			}
			return a.withDeliveries(cmd, func(ctx context.Context, log *deliveries.Log) error {
				var found *deliveries.Delivery
				if err := log.Read(ctx, deliveries.Filter{IDs: []deliveries.ID{id}}, func(d *deliveries.Delivery) error {
					found = d
					return nil
				}); err != nil {
					return err
				}
				if found == nil {
					return fmt.Errorf("webhook %s: there is none, or it is older than 90 days", id)
				}
				return a.showDelivery(ctx, log, found)
			})
		},
	}
	a.addConfigFlags(cmd)
	return cmd
}

func (a *app) showDelivery(ctx context.Context, log *deliveries.Log, d *deliveries.Delivery) error {
	table := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(table, "%s\t%s\n", name, value)
		}
	}
	line("webhook", d.ID.String())
	line("psp", d.PSP)
	line("delivery", printable(d.DeliveryID, shownDetail))
	line("received", d.Received.Format(time.RFC3339Nano))
	line("trace", d.TraceID)
	line("replay of", d.ReplayOf)
	line("says", saidBy(d))
	line("payment", paymentOf(d))
	if d.Report != nil {
		line("dispute", printable(d.Report.Dispute, shownDetail))
		line("reference", printable(d.Report.PSPReference, shownDetail))
		line("report", d.Report.ID)
	}
	line("state", string(d.State))
	line("", becameOf(d))
	line("letter", d.Letter)
	if d.State == deliveries.Applied {
		events, err := caused(ctx, log, d)
		if err != nil {
			return err
		}
		for _, e := range events {
			line("event", e)
		}
		if len(events) == 0 {
			line("event", "none: it said nothing new")
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(a.out, "\n%s\n", printableBody(d.Body()))
	return err
}

// caused are the events of the payment, and of its dispute, that the delivery's report led to.
func caused(ctx context.Context, log *deliveries.Log, d *deliveries.Delivery) (events []string, err error) {
	if topics.IsPayoutID(d.Report.PaymentID) {
		return []string{"of a payout: record " + d.Record}, nil
	}
	ofRecord := func(eventID string) bool {
		id, err := topics.ParseEventID(eventID)
		return err == nil && fmt.Sprintf("%d-%d", id.Partition, id.Position) == d.Record
	}
	err = payments.History(ctx, log.Pool, d.Report.PaymentID, func(e *topics.PaymentEvent) error {
		if ofRecord(e.EventID) {
			events = append(events, fmt.Sprintf("%s %s %s %s", e.EventID, e.Type, e.Status, detailOf(e)))
		}
		return nil
	})
	if err != nil || d.Report.Dispute == "" {
		return events, err
	}
	told, err := eventsOfDispute(ctx, log.Pool, d.Report.PaymentID, d.PSP, d.Report.Dispute)
	for i := range told {
		if e := &told[i]; ofRecord(e.EventID) {
			events = append(events, fmt.Sprintf("%s of the dispute: %s %s %s", e.EventID, e.Type, e.Status, detailOfDispute(e)))
		}
	}
	return events, err
}

// eventsOfDispute are those of the dispute of a payment that a PSP calls reference.
func eventsOfDispute(ctx context.Context, db *pgxpool.Pool, payment, psp, reference string) ([]topics.DisputeEvent, error) {
	id, err := topics.ParsePaymentID(payment)
	if err != nil {
		return nil, err
	}
	found, _, err := view.ListDisputes(ctx, db, view.DisputeFilter{Payment: id}, "", view.MaxLimit)
	if err != nil {
		return nil, err
	}
	for _, d := range found {
		if d.PSP != psp || d.Reference != reference {
			continue
		}
		log, err := view.NewEventLog(db)
		if err != nil {
			return nil, err
		}
		dispute, err := topics.ParseDisputeID(d.ID)
		if err != nil {
			return nil, err
		}
		return log.Dispute(ctx, "", dispute, uuid.Nil)
	}
	return nil, nil
}

// printableBody is a body for a terminal, with its line breaks.
func printableBody(body []byte) string {
	var out []byte
	for len(body) > 0 {
		end := slices.Index(body, '\n')
		if end < 0 {
			return string(out) + printable(string(body), len(body))
		}
		out = append(append(out, printable(string(body[:end]), end)...), '\n')
		body = body[end+1:]
	}
	return string(out)
}

func newWebhooksReplayCommand(a *app) *cobra.Command {
	var flags deliveryFlags
	var yes bool
	cmd := &cobra.Command{
		Use:   "replay [WEBHOOK…]",
		Short: "Have webhooks told again, as they were received",
		Long: `Write webhooks again as they were received, so that they go the way that they went before: those that are named, as list
prints them, or all that the filters of list choose. What was applied before is recognised by the PSP's event and changes
nothing. Refused are webhooks of 30 days ago and more, which would not be recognised any more. Without --yes nothing is
written. Exit status 1 where one that was chosen is refused.`,
		Example: "  weir webhooks replay 3:1042 --yes\n  weir webhooks replay --state dead_lettered --psp sandbox",
		RunE: func(cmd *cobra.Command, args []string) error {
			now := time.Now()
			filter, err := flags.filter(now)
			if err != nil {
				return err
			}
			for _, arg := range args {
				id, err := deliveries.ParseID(arg)
				if err != nil {
					return usageError{err}
				}
				filter.IDs, filter.Since = append(filter.IDs, id), time.Time{}
			}
			if len(args) == 0 && flags.state == "" && flags.payment == "" {
				return usageError{errors.New("nothing is chosen: name webhooks, or choose them by --state or --payment")}
			}
			return a.withDeliveries(cmd, func(ctx context.Context, log *deliveries.Log) error {
				why := map[*deadletters.Letter]string{}
				var letters []*deadletters.Letter
				err := eachDelivery(ctx, log, filter, flags.limit, func(d *deliveries.Delivery) error {
					l := d.Again()
					letters, why[l] = append(letters, l), d.Refusal(now)
					return nil
				})
				if err != nil {
					return err
				}
				if len(letters) < len(args) {
					return fmt.Errorf("%d webhooks are named, %d are there", len(args), len(letters))
				}
				return a.replay(ctx, log.Kafka, letters, func(l *deadletters.Letter) string { return why[l] }, yes)
			})
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	a.addConfigFlags(cmd)
	flags.add(cmd)
	cmd.Flags().BoolVar(&yes, "yes", false, "write; without it the command says what it would do")
	return cmd
}
