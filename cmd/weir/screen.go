package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/weirhq/weir/processors/aml/screening"
	"github.com/weirhq/weir/processors/aml/screening/lists"
	"github.com/weirhq/weir/topics"
)

// screenFlags are what the command line says.
type screenFlags struct {
	lists, previous, file, allowed, evaluate string
	name, birth, countries, kind             string
	tenant                                   string // of the customers whose records are screened
	shrunk                                   []string
	threshold                                int
	json, customers, personal                bool
}

func newScreenCommand(a *app) *cobra.Command {
	var f screenFlags
	cmd := &cobra.Command{
		Use:   "screen --lists DIR --name NAME | --lists DIR --file FILE | --lists DIR --customers --tenant TENANT | --evaluate FILE",
		Short: "Screen names against sanctions and PEP lists, and say why each hit is one",
		Long: `Compare one name, a file of customers, or the customers whose records weir keeps, with the entries of sanctions and PEP lists: OFAC's
sdn.csv with add.csv and alt.csv, or sdn.xml; the consolidated XML of the UN and of the EU; the United Kingdom's two CSV files;
targets.simple.csv of OpenSanctions. A directory holds them as they were downloaded. A list that is cut off, empty or otherwise
not whole is refused, and nothing is screened. docs/screening.md is the manual.

The file of customers is CSV with the columns id and name, and other_names, birth_date, countries and kind (person or entity) where they
are known. --customers reads records that weir customers put wrote, for which it needs the database and customers.master_key. Its hits
name a customer by id; --personal adds the name, and why it is a hit. Who cannot be screened is told and counted.
With --previous, the lists are held against those that were in force before, and only what differs is told: hits that
are new, and hits that are over. Exit status: 0 no hit, 1 hits or a problem, 2 wrong usage.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runScreen(cmd, a, &f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.lists, "lists", "", "directory of the lists")
	flags.StringVar(&f.previous, "previous", "", "directory of the lists that were in force before: tell only what differs")
	flags.StringSliceVar(&f.shrunk, "shrunk", nil, "with --previous, take this list although it has lost many entries, is older or is missing; may be repeated")
	flags.StringVar(&f.name, "name", "", "a name to screen")
	flags.StringVar(&f.birth, "birth-date", "", "with --name, a day, a month or a year, such as 1961-04-02")
	flags.StringVar(&f.countries, "countries", "", "with --name, countries of nationality and residence, such as RU;CY")
	flags.StringVar(&f.kind, "kind", "", "with --name, person or entity (default either)")
	flags.StringVar(&f.file, "file", "", "CSV file of customers to screen")
	flags.BoolVar(&f.customers, "customers", false, "screen the customers of a tenant whose records weir keeps")
	flags.StringVar(&f.tenant, "tenant", "", "with --customers, whose customers they are")
	flags.BoolVar(&f.personal, "personal", false, "with --customers, print names, and the reasons of each hit, which quote name and birth date")
	flags.StringVar(&f.allowed, "allowed", "", "CSV file of hits that were looked at and put aside")
	flags.StringVar(&f.evaluate, "evaluate", "", "CSV file of pairs of names: measure precision and recall")
	flags.IntVar(&f.threshold, "threshold", screening.DefaultThreshold, "score from which an entry is a hit, 1 to 100")
	flags.BoolVar(&f.json, "json", false, "print each hit as one line of JSON")
	a.addConfigFlags(cmd)
	return cmd
}

func runScreen(cmd *cobra.Command, a *app, f *screenFlags) error {
	if f.threshold < 1 || f.threshold > 100 {
		return usageError{fmt.Errorf("--threshold: %d: want 1 to 100", f.threshold)}
	}
	if f.evaluate != "" {
		return evaluateNames(a, f)
	}
	if err := f.check(); err != nil {
		return usageError{err}
	}
	s := screener{a: a, f: f, now: time.Now()}
	if err := s.load(); err != nil {
		return err
	}
	switch {
	case f.customers:
		if err := s.records(cmd); err != nil {
			return err
		}
	case f.file != "":
		if err := s.customers(cmd.Context()); err != nil {
			return err
		}
	default:
		subject, err := screening.NewSubject("", f.name, f.kind, f.birth, f.countries)
		if err != nil {
			return usageError{err}
		}
		s.add(subject)
	}
	s.screen()
	return s.end()
}

// check says what is missing, or does not go together.
func (f *screenFlags) check() error {
	whom := 0
	for _, said := range [...]bool{f.name != "", f.file != "", f.customers} {
		if said {
			whom++
		}
	}
	switch {
	case f.lists == "":
		return errors.New("which lists? Name their directory with --lists")
	case whom != 1:
		return errors.New("whom? Say one of --name, --file for a file of customers, and --customers for those whose records weir keeps")
	case f.customers && f.tenant == "":
		return errors.New("whose customers? Say --tenant")
	case !f.customers && (f.tenant != "" || f.personal):
		return errors.New("--tenant and --personal go with --customers")
	}
	return nil
}

// screener screens and prints.
type screener struct {
	a        *app
	f        *screenFlags
	now      time.Time
	allowed  *screening.Allowed
	old      *screening.Index // nil without --previous: entries that are gone or were otherwise
	index    *screening.Index
	batch    []screening.Subject
	screened int
	erased   int // customers of whom nothing is known any more
	skipped  int // customers that could not be screened
	hits     int
	over     int
	aside    int
	err      error // the first of printing
}

func (s *screener) load() error {
	all, err := lists.Load(os.DirFS(s.f.lists))
	if err != nil {
		return fmt.Errorf("%s: %w", s.f.lists, err)
	}
	s.allowed = &screening.Allowed{}
	if s.f.allowed != "" {
		file, err := os.Open(s.f.allowed)
		if err != nil {
			return err
		}
		defer file.Close()
		if s.allowed, err = screening.ReadAllowed(file); err != nil {
			return fmt.Errorf("%s: %w", s.f.allowed, err)
		}
	}
	for _, l := range all {
		fmt.Fprintf(s.a.errOut, "%s, %s old\n", l, days(l.Age(s.now)))
		for _, w := range l.Warnings {
			fmt.Fprintf(s.a.errOut, "  %s\n", w)
		}
	}
	if s.f.previous == "" {
		s.index = screening.NewIndex(screening.Entries(all), screening.Count(all), s.f.threshold)
		return nil
	}
	before, err := lists.Load(os.DirFS(s.f.previous))
	if err != nil {
		return fmt.Errorf("%s: %w", s.f.previous, err)
	}
	if err := lists.CheckAll(before, all, s.f.shrunk); err != nil {
		return fmt.Errorf("%w\nkeep the lists of before, or say --shrunk and the name of the list to take it all the same", err)
	}
	change := screening.Compare(before, all, s.allowed, s.now)
	fmt.Fprintf(s.a.errOut, "entries: %d added, %d changed, %d removed, %d where what was put aside is over; no others are looked at, not for a new customer either\n",
		change.Added, change.Changed, change.Removed, change.Again)
	s.old, s.index = change.Indexes(screening.Count(before), s.f.threshold)
	return nil
}

// days is an age as people say it.
func days(age time.Duration) string {
	if age < 48*time.Hour {
		return counted(max(int(age/time.Hour), 0), "hour")
	}
	return counted(int(age/(24*time.Hour)), "day")
}

// screenBatch is how many customers are screened at a time.
const screenBatch = 4096

func (s *screener) customers(ctx context.Context) error {
	file, err := os.Open(s.f.file)
	if err != nil {
		return err
	}
	defer file.Close()
	customers, err := screening.NewCustomers(file)
	if err != nil {
		return fmt.Errorf("%s: %w", s.f.file, err)
	}
	for ctx.Err() == nil {
		subject, err := customers.Next()
		var row *screening.RowError
		switch {
		case errors.As(err, &row):
			s.skipped++
			fmt.Fprintf(s.a.errOut, "%s: %v\n", s.f.file, err)
			continue
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("%s: %w", s.f.file, err)
		}
		s.add(subject)
	}
	return ctx.Err()
}

// add has a customer screened with others.
func (s *screener) add(subject screening.Subject) {
	if s.batch = append(s.batch, subject); len(s.batch) == screenBatch {
		s.screen()
	}
}

// screen screens those who were added.
func (s *screener) screen() {
	defer func() { s.batch = s.batch[:0] }()
	s.screened += len(s.batch)
	for _, hits := range s.index.Each(s.batch, runtime.GOMAXPROCS(0)) {
		count, aside := s.allowed.Split(hits, s.now)
		for i := range count {
			s.hits++
			s.print(&count[i], count[i].Note)
		}
		for i := range aside {
			s.aside++
			s.print(&aside[i].Hit, "put aside: "+aside[i].Why)
		}
	}
	if s.old == nil {
		return
	}
	for _, hits := range s.old.Each(s.batch, runtime.GOMAXPROCS(0)) {
		for i := range hits {
			s.over++
			s.print(&hits[i], "no longer listed so")
		}
	}
}

// hitLine is a hit as JSON.
type hitLine struct {
	Customer string             `json:"customer,omitempty"`
	Name     string             `json:"name,omitempty"`
	Score    int                `json:"score"`
	Matched  lists.Name         `json:"matched"`
	Hash     string             `json:"hash"`
	Entry    *lists.Entry       `json:"entry"`
	Reasons  []screening.Reason `json:"reasons,omitempty"`
	Note     string             `json:"note,omitempty"`
}

// print prints a hit; note says why it does not count, or why it does again. What is encrypted in a customer's record is not
// printed unless that was asked for: neither the name nor the reasons, which quote it.
func (s *screener) print(h *screening.Hit, note string) {
	name, reasons := h.Subject, h.Reasons
	if s.f.customers && !s.f.personal {
		name, reasons = "", nil
	}
	if s.f.json {
		line, err := topics.Marshal(hitLine{h.Customer, name, h.Score, h.Name, h.Hash, h.Entry, reasons, note})
		if err == nil {
			_, err = fmt.Fprintf(s.a.out, "%s\n", line)
		}
		s.keep(err)
		return
	}
	who := h.Customer
	if name != "" {
		who = strings.TrimSpace(fmt.Sprintf("%s %q", who, name))
	}
	if note != "" {
		note = " — " + note
	}
	_, err := fmt.Fprintf(s.a.out, "%3d  %s is like %q, %s %s (%s, %s), %s, hash %s%s\n", h.Score, who, h.Name.Text, h.Entry.List, h.Entry.ID, h.Entry.Kind, h.Name.Strength,
		h.Entry.Source, h.Hash, note)
	s.keep(err)
	for _, r := range reasons {
		_, err := fmt.Fprintf(s.a.out, "     %+4d  %s\n", r.Points, r.Text)
		s.keep(err)
	}
}

func (s *screener) keep(err error) {
	if s.err == nil {
		s.err = err
	}
}

// end says what was done.
func (s *screener) end() error {
	if s.err != nil {
		return s.err
	}
	text := fmt.Sprintf("%d screened: %s at %d or more", s.screened, counted(s.hits, "hit"), s.f.threshold)
	if s.old != nil {
		text += fmt.Sprintf(" that are new, %d that are over", s.over)
	}
	if s.aside > 0 {
		text += fmt.Sprintf(", %d put aside", s.aside)
	}
	if s.skipped > 0 {
		text += fmt.Sprintf("; %s not screened", counted(s.skipped, "customer"))
	}
	if s.erased > 0 {
		text += fmt.Sprintf("; %s erased, nobody to screen", counted(s.erased, "customer"))
	}
	fmt.Fprintln(s.a.errOut, text)
	if s.hits+s.over+s.skipped > 0 {
		return errProblems
	}
	return nil
}

// evaluateNames measures the names of a file of pairs.
func evaluateNames(a *app, f *screenFlags) error {
	file, err := os.Open(f.evaluate)
	if err != nil {
		return err
	}
	defer file.Close()
	all, groups, wrong, err := screening.Evaluate(file, f.threshold)
	if err != nil {
		return fmt.Errorf("%s: %w", f.evaluate, err)
	}
	table := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "group\tpairs\tright hits\tmissed\twrong hits\trightly none\tprecision\trecall\t")
	for _, m := range append(groups, all) {
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%d\t%d\t%s\t%s\t\n", m.Group, m.Pairs(), m.Right, m.Missed, m.Wrong, m.Rejected, part(m.Precision()), part(m.Recall()))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, p := range wrong {
		what := "missed"
		if !p.Match {
			what = "wrong hit"
		}
		fmt.Fprintf(a.out, "\n%s:%d: %s, %d: %s\n", f.evaluate, p.Line, what, p.Score, p.Text)
		for _, r := range p.Why {
			fmt.Fprintf(a.out, "     %+4d  %s\n", r.Points, r.Text)
		}
	}
	return nil
}

// part is thousandths as a fraction.
func part(thousandths int) string { return fmt.Sprintf("%d.%03d", thousandths/1000, thousandths%1000) }
