package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/spf13/cobra"

	"github.com/weirhq/weir/internal/config"
	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/internal/evidence"
	"github.com/weirhq/weir/processors/payments/view"
	"github.com/weirhq/weir/topics"
)

func newDisputeCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dispute",
		Short: "Look at disputes, and at what helps against them",
		Long: `Look at disputes, and at what helps against them. They are answered over HTTP: POST /v1/disputes/{id}/evidence and
POST /v1/disputes/{id}/accept.`,
		Args: noCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newDisputeListCommand(a), newDisputeShowCommand(a), newDisputeEvidenceCommand(a))
	return cmd
}

func newDisputeListCommand(a *app) *cobra.Command {
	var filter view.DisputeFilter
	var status, payment string
	var dueWithin time.Duration
	var limit int
	cmd := &cobra.Command{
		Use:   "list",
		Short: "Print the newest disputes, one to a line",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if payment != "" {
				var err error
				if filter.Payment, err = topics.ParsePaymentID(payment); err != nil {
					return usageError{fmt.Errorf("--payment: %w", err)}
				}
			}
			if filter.Status = topics.DisputeStatus(status); status != "" && !slices.Contains(topics.DisputeStatuses(), filter.Status) {
				return usageError{fmt.Errorf("flag --status: %q: want one of %v", status, topics.DisputeStatuses())}
			}
			if limit < 1 || limit > view.MaxLimit {
				return usageError{fmt.Errorf("--limit %d: want 1 to %d", limit, view.MaxLimit)}
			}
			if dueWithin < 0 {
				return usageError{errors.New("--due-within: want a duration such as 48h")}
			}
			if dueWithin > 0 {
				filter.DueBefore = time.Now().Add(dueWithin)
			}
			return a.withDatabase(cmd, func(ctx context.Context, db *database.DB, _ *config.Config, _ *slog.Logger) error {
				page, next, err := view.ListDisputes(ctx, db.Pool, filter, "", limit)
				if err != nil {
					return err
				}
				return listDisputes(a.out, page, next != "")
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&filter.Tenant, "tenant", "", "of this tenant alone")
	flags.StringVar(&filter.Customer, "customer", "", "of this customer alone")
	flags.StringVar(&status, "status", "", "with this status: needs_response, overdue, under_review, won, lost …")
	flags.StringVar(&payment, "payment", "", "of this payment alone, by its id")
	flags.DurationVar(&dueWithin, "due-within", 0, "of which evidence is wanted, and due within a time such as 48h")
	flags.IntVar(&limit, "limit", 50, "how many at most")
	a.addConfigFlags(cmd)
	return cmd
}

func listDisputes(out io.Writer, page []*view.Dispute, more bool) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "OPENED\tDISPUTE\tSTAGE\tSTATUS\tAMOUNT\tREASON\tEVIDENCE DUE\tPSP\tPAYMENT\tCUSTOMER")
	for _, d := range page {
		due := ""
		if !d.EvidenceDue.IsZero() {
			due = d.EvidenceDue.UTC().Format(time.RFC3339)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", d.OpenedAt.UTC().Format(time.RFC3339), d.ID, d.Stage, d.Status,
			minor(d.Amount, d.Currency), strings.TrimSpace(d.Reason+" "+d.Category), due, d.PSP, d.PaymentID, d.CustomerID)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if more {
		fmt.Fprintln(out, "There are more: raise --limit, or narrow the list.")
	}
	return nil
}

func newDisputeShowCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show <id>",
		Short: "Print where a dispute stands, and its life",
		Long: `Print what a dispute waits for and until when, where its money is, the evidence that was sent last, and every event that changed it, one to a line: when, what,
the status and the amount after it, and why.`,
		Args: one("dispute, by its id: weir dispute show dp_0003_6f1ac1b2f5a87c3e9d10aa5be2c17f44"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withDispute(cmd, args[0], func(ctx context.Context, db *database.DB, log *view.EventLog, id topics.DisputeID) error {
				events, err := log.Dispute(ctx, "", id, uuid.Nil)
				if err != nil {
					return err
				}
				events = slices.DeleteFunc(events, func(e topics.DisputeEvent) bool { return e.DisputeID != id.String() })
				if len(events) == 0 {
					return fmt.Errorf("dispute %s: there is none", id)
				}
				return showDispute(a.out, events)
			})
		},
	}
	a.addConfigFlags(cmd)
	return cmd
}

// withDispute checks an id and opens what a command about one reads.
func (a *app) withDispute(cmd *cobra.Command, text string, do func(context.Context, *database.DB, *view.EventLog, topics.DisputeID) error) error {
	id, err := topics.ParseDisputeID(text)
	if err != nil {
		return usageError{err}
	}
	return a.withDatabase(cmd, func(ctx context.Context, db *database.DB, _ *config.Config, _ *slog.Logger) error {
		log, err := view.NewEventLog(db.Pool)
		if err != nil {
			return err
		}
		return do(ctx, db, log, id)
	})
}

// shownText is how much of a text is printed: as much as evidence may have.
const shownText = 4 * 4000

// showDispute prints all events that a dispute has had.
func showDispute(out io.Writer, events []topics.DisputeEvent) error {
	d, err := view.FoldDispute(events, events[len(events)-1].EventID)
	if err != nil {
		return err
	}
	if d == nil {
		return errors.New("none of its events opened it")
	}
	for _, line := range [...][2]string{
		{"dispute", d.ID}, {"at", d.PSP + ": " + d.Reference}, {"tenant", d.Tenant}, {"customer", d.CustomerID}, {"payment", d.PaymentID},
		{"amount", minor(d.Amount, d.Currency)}, {"reason", strings.TrimSpace(d.Reason + " " + d.Category)}, {"stage", string(d.Stage)},
		{"status", string(d.Status) + ": " + d.Explanation}, {"asked by", d.RequestedBy}, {"cases", strings.Join(d.Cases, ", ")},
	} {
		if line[1] != "" {
			fmt.Fprintf(out, "%-8s  %s\n", line[0], line[1])
		}
	}
	if e := d.Evidence; e != nil {
		if e.Text != "" {
			fmt.Fprintf(out, "%-8s  %s\n", "evidence", printable(e.Text, shownText))
		}
		for _, document := range e.Documents {
			fmt.Fprintf(out, "%-8s  %s\n", "document", strings.TrimSpace(document.Kind+": "+printable(document.Reference, shownText)+" "+document.SHA256))
		}
	}
	fmt.Fprintln(out)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "TIME\tEVENT\tSTATUS\tAMOUNT\tDETAIL")
	for i := range events {
		e := &events[i]
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", e.At.UTC().Format(time.RFC3339Nano), e.Type, e.Status, minor(e.Amount, e.Currency), detailOfDispute(e))
	}
	return table.Flush()
}

// detailOfDispute is what else a person wants to know of an event.
func detailOfDispute(e *topics.DisputeEvent) string {
	var parts []string
	add := func(name, value string) {
		if value != "" {
			parts = append(parts, name+" "+value)
		}
	}
	add("reason", e.Reason)
	add("movement", e.Movement)
	add("case", string(e.Refusal))
	if p := e.PSP; p != nil {
		add("by", string(p.Source))
	}
	add("command", e.CommandID)
	add("asked by", e.RequestedBy)
	if e.Detail != "" {
		parts = append(parts, e.Detail)
	}
	return strings.Join(parts, ", ")
}

func newDisputeEvidenceCommand(a *app) *cobra.Command {
	var html bool
	cmd := &cobra.Command{
		Use:   "evidence <id>",
		Short: "Print what is known that helps against a dispute",
		Long: `Print what is known that helps against a dispute, as JSON, or as a page to print with --html. What could not be read, or
is not kept, is named in it.`,
		Args: one("dispute, by its id: weir dispute evidence dp_0003_6f1ac1b2f5a87c3e9d10aa5be2c17f44"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withDispute(cmd, args[0], func(ctx context.Context, db *database.DB, log *view.EventLog, id topics.DisputeID) error {
				found, err := view.GetDispute(ctx, db.Pool, "", id.String())
				if err != nil {
					return err
				}
				packet, err := evidence.Assemble(ctx, db.Pool, log, found, time.Now())
				if err != nil {
					return err
				}
				if html {
					page, err := packet.HTML()
					if err == nil {
						_, err = a.out.Write(page)
					}
					return err
				}
				encoder := json.NewEncoder(a.out)
				encoder.SetIndent("", "  ")
				return encoder.Encode(packet)
			})
		},
	}
	cmd.Flags().BoolVar(&html, "html", false, "as a page to print")
	a.addConfigFlags(cmd)
	return cmd
}
