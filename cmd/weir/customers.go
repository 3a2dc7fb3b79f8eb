package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/api/await"
	"github.com/weirhq/weir/internal/config"
	"github.com/weirhq/weir/internal/database"
	"github.com/weirhq/weir/internal/kyc"
	"github.com/weirhq/weir/processors/payments/view"
	"github.com/weirhq/weir/topics"
)

func newCustomersCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "customers",
		Short: "Write, read and erase the records that say who customers are",
		Long: `Records of customers: KYC level, country, status, and, encrypted by a key of each customer's own, names, birth date, address,
occupation and source of funds. Who changed one, when and why is published on customers.changes.v1 and kept for ever.

Changes need a running engine. Personal data is shown where --personal asks for it, and needs customers.master_key.`,
		Args: noCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newCustomersPutCommand(a), newCustomersShowCommand(a), newCustomersListCommand(a), newCustomersEraseCommand(a),
		newCustomersHistoryCommand(a), newCustomersKeygenCommand(a), newCustomersRotateCommand(a))
	return cmd
}

// customerDesk is where commands change and read records of customers.
type customerDesk struct {
	*kyc.Desk
	db         *database.DB
	partitions int32
	region     string // of this installation
}

const brokerAnswers = 30 * time.Second // the broker, before a command gives up

// withCustomers calls f with a desk for the records of customers.
func (a *app) withCustomers(cmd *cobra.Command, f func(context.Context, *customerDesk) error) error {
	return a.withDatabase(cmd, func(ctx context.Context, db *database.DB, c *config.Config, log *slog.Logger) error {
		masters, err := c.CustomerKeys()
		if err != nil {
			return err
		}
		return a.withBroker(c, log, func(kafka []kgo.Opt) (err error) {
			hub, err := await.New(kafka, log, nil)
			if err != nil {
				return err
			}
			ran := make(chan error, 1)
			running, stop := context.WithCancel(ctx)
			go func() { ran <- hub.Run(running) }()
			defer func() {
				stop()
				err = errors.Join(err, <-ran)
			}()
			waiting, cancel := context.WithTimeout(ctx, brokerAnswers)
			defer cancel()
			at := &customerDesk{db: db, region: c.Region}
			if at.partitions, err = hub.Await(waiting); err != nil {
				return err
			}
			if at.Desk, err = kyc.New(kafka, db.Pool, masters, hub); err != nil {
				return err
			}
			defer at.Close()
			return f(ctx, at)
		})
	})
}

const ofCustomer = "customer, by id: cus_42"

// orderFlags are the flags of a change: whose record, by whom and why.
func orderFlags(cmd *cobra.Command, o *kyc.Order) {
	flags := cmd.Flags()
	tenantFlag(cmd, &o.Tenant)
	flags.StringVar(&o.Author, "author", "", "who changes it")
	flags.StringVar(&o.Reason, "reason", "", "why, without personal data")
	for _, name := range []string{"author", "reason"} {
		if err := cmd.MarkFlagRequired(name); err != nil {
			panic(err) // a mistake in the name
		}
	}
}

func tenantFlag(cmd *cobra.Command, tenant *string) {
	cmd.Flags().StringVar(tenant, "tenant", "", "whose customer it is")
	if err := cmd.MarkFlagRequired("tenant"); err != nil {
		panic(err) // a mistake in the name
	}
}

func newCustomersPutCommand(a *app) *cobra.Command {
	var o kyc.Order
	var file string
	cmd := &cobra.Command{
		Use:   "put <customer>",
		Short: "Write a customer's record, or change it, from a JSON file",
		Long: `The file holds the whole record: status, kyc_level, country, nationality, pep, expected_turnover and personal with names,
birth_date, address, occupation and source_of_funds. What is left out is not known any more. --version is the version that is
changed, as show prints it; without it the customer must not have a record yet. To put the same again is harmless.`,
		Example: "  weir customers put cus_42 --tenant acme --file cus_42.json --author ann --reason onboarding",
		Args:    one(ofCustomer),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.Expected < 0 {
				return usageError{errors.New("flag --version: want the version that is changed, as show prints it; 0: there is none yet")}
			}
			data, err := readProfile(file)
			if err != nil {
				return usageError{fmt.Errorf("--file: %w", err)}
			}
			p, err := kyc.ReadProfile(data)
			if err != nil {
				return usageError{fmt.Errorf("--file: %s: %w", file, err)}
			}
			o.Customer = args[0]
			return a.withCustomers(cmd, func(ctx context.Context, desk *customerDesk) error {
				o.Region = desk.region
				record, err := desk.Put(ctx, o, p, time.Now())
				if err != nil {
					return err
				}
				return printCustomer(a.out, record, nil)
			})
		},
	}
	orderFlags(cmd, &o)
	cmd.Flags().StringVar(&file, "file", "", "the profile, in JSON; - reads it from standard input")
	cmd.Flags().Int64Var(&o.Expected, "version", 0, "version that is changed; 0: there is none yet")
	a.addConfigFlags(cmd)
	return cmd
}

// readProfile reads a file of at most one byte more than a profile has.
func readProfile(file string) ([]byte, error) {
	in := os.Stdin
	switch file {
	case "":
		return nil, errors.New("want the file that holds the profile")
	case "-":
	default:
		f, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	return io.ReadAll(io.LimitReader(in, kyc.MaxDocument+1))
}

func newCustomersShowCommand(a *app) *cobra.Command {
	var tenant string
	var openly bool
	cmd := &cobra.Command{
		Use:   "show <customer>",
		Short: "Print what is known of a customer",
		Args:  one(ofCustomer),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withCustomers(cmd, func(ctx context.Context, desk *customerDesk) error {
				record, personal, err := desk.Get(ctx, tenant, args[0], openly)
				if err != nil {
					return err
				}
				return printCustomer(a.out, record, personal)
			})
		},
	}
	tenantFlag(cmd, &tenant)
	cmd.Flags().BoolVar(&openly, "personal", false, "with names, birth date, address, occupation and source of funds")
	a.addConfigFlags(cmd)
	return cmd
}

func newCustomersListCommand(a *app) *cobra.Command {
	var tenant, after string
	var limit int
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List a tenant's customers, by id",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if limit < 1 || limit > view.MaxLimit {
				return usageError{fmt.Errorf("flag --limit: want 1 to %d", view.MaxLimit)}
			}
			return a.withCustomers(cmd, func(ctx context.Context, desk *customerDesk) error {
				records, err := desk.List(ctx, tenant, after, limit)
				if err != nil {
					return err
				}
				return aligned(a.out, func(w io.Writer) {
					fmt.Fprintln(w, "CUSTOMER\tVERSION\tSTATUS\tKYC\tCOUNTRY\tPEP\tUPDATED\tBY")
					for i := range records {
						r := &records[i]
						d := r.Data
						if d == nil {
							d = &topics.CustomerData{Status: "erased"}
						}
						fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\n", r.CustomerID, r.Version, d.Status, d.KYCLevel, d.Country, maybe(d.PEP),
							r.UpdatedAt.UTC().Format(time.RFC3339), r.Author)
					}
				})
			})
		},
	}
	tenantFlag(cmd, &tenant)
	cmd.Flags().StringVar(&after, "after", "", "begin after this customer")
	cmd.Flags().IntVar(&limit, "limit", 100, fmt.Sprintf("how many, at most %d", view.MaxLimit))
	a.addConfigFlags(cmd)
	return cmd
}

func newCustomersEraseCommand(a *app) *cobra.Command {
	o := kyc.Order{Expected: topics.AnyVersion}
	cmd := &cobra.Command{
		Use:   "erase <customer>",
		Short: "Forget who a customer is",
		Long: `The customer's data key is deleted, so that nobody can read what tells who the customer is, wherever it was copied to: topics, the
database, backups of topics. That it was erased, by whom, when and why stays. There is no way back.

A backup of the database from before still has the key: after a restore, weir recover import erases again what was erased since.`,
		Example: "  weir customers erase cus_42 --tenant acme --author ann --reason \"asked for by the customer\"",
		Args:    one(ofCustomer),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Customer = args[0]
			return a.withCustomers(cmd, func(ctx context.Context, desk *customerDesk) error {
				o.Region = desk.region
				record, err := desk.Erase(ctx, o, time.Now())
				if err != nil {
					return err
				}
				return printCustomer(a.out, record, nil)
			})
		},
	}
	orderFlags(cmd, &o)
	a.addConfigFlags(cmd)
	return cmd
}

// printCustomer prints a record; personal is nil where it was not asked for, and is only named then.
func printCustomer(out io.Writer, r *topics.CustomerRecord, personal *kyc.Personal) error {
	lines := [][2]string{{"customer", r.CustomerID}, {"tenant", r.Tenant}, {"region", r.Region}, {"version", fmt.Sprint(r.Version)}}
	if d := r.Data; d == nil {
		lines = append(lines, [2]string{"status", "erased"})
	} else {
		lines = append(lines, [][2]string{{"status", string(d.Status)}, {"kyc level", string(d.KYCLevel)}, {"country", d.Country},
			{"nationality", d.Nationality}, {"pep", maybe(d.PEP)}}...)
		if t := d.ExpectedTurnover; t != nil {
			lines = append(lines, [2]string{"turnover", minor(t.Amount, t.Currency) + " a month"})
		}
		switch {
		case personal != nil:
			lines = append(lines, [][2]string{{"names", strings.Join(personal.Names, "; ")}, {"born", personal.BirthDate},
				{"address", personal.Address}, {"occupation", personal.Occupation}, {"funds", personal.SourceOfFunds}}...)
		case d.Personal != nil:
			var fields []string
			for _, field := range kyc.Fields() {
				if _, there := d.Personal.Fields[field]; there {
					fields = append(fields, field)
				}
			}
			lines = append(lines, [2]string{"encrypted", strings.Join(fields, ", ")})
		}
	}
	lines = append(lines, [][2]string{{"written", r.UpdatedAt.UTC().Format(time.RFC3339)}, {"by", r.Author}, {"reason", r.Reason}}...)
	for _, line := range lines {
		if line[1] == "" {
			continue
		}
		if _, err := fmt.Fprintf(out, "%-11s  %s\n", line[0], line[1]); err != nil {
			return err
		}
	}
	return nil
}

// maybe is yes, no, or nothing where it is not known.
func maybe(b *bool) string {
	if b == nil {
		return ""
	}
	return yesNo(*b)
}
