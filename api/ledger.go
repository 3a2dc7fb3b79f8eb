package api

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/ledger/statement"
	"github.com/weirhq/weir/ledger/store"
	"github.com/weirhq/weir/topics"
)

const (
	defaultLines = 50
	maxCursor    = 4096
	ledgerWithin = 20 * time.Second // what reads all accounts, or all lines of a period
)

// known refuses a query with other parameters than these.
func known(query url.Values, names ...string) error {
	for name := range query {
		if !slices.Contains(names, name) {
			return malformed("", "the query has a parameter that is not known; want "+cmp.Or(strings.Join(names, ", "), "none"))
		}
	}
	return nil
}

// account is the one that path and query name, of the tenant of the API key.
func (c *call) account(query url.Values) (ledger.Account, error) {
	code := ledger.AccountCode(c.request.PathValue("code"))
	line, ok := code.Line()
	if !ok {
		return ledger.Account{}, notFound("such code in the chart of accounts")
	}
	a := ledger.Account{Tenant: c.key.Tenant, Code: code, Owner: query.Get("owner"), Currency: ledger.Currency(query.Get("currency"))}
	if _, ok := a.Currency.Exponent(); !ok {
		return a, invalid("currency", "currency: want an ISO 4217 code in upper case, such as EUR")
	}
	if len(a.Owner) > maxCustomer || !printable(a.Owner) {
		return a, invalid("owner", "owner: want at most "+strconv.Itoa(maxCustomer)+" printable ASCII characters")
	}
	if a.Owner == "" && line.Holder == ledger.HeldByCustomer {
		return a, invalid("owner", "owner: is missing; customers hold accounts of this code, want the id of one")
	}
	if a.Owner != "" && line.Holder == ledger.HeldBySystem {
		return a, invalid("owner", "owner: accounts of this code belong to nobody; leave it out")
	}
	return a, nil
}

// moment reads a time of the query with one of the readers of the statement; zero where it is absent.
func moment(query url.Values, name string, read func(string) (time.Time, error)) (time.Time, error) {
	if !query.Has(name) {
		return time.Time{}, nil
	}
	t, err := read(query.Get(name))
	if err != nil {
		return t, invalid(name, name+": want a date or an RFC 3339 time between 1970 and 9998, such as 2026-01-31T23:59:59Z")
	}
	return t, nil
}

// ordered refuses a range that ends before it begins; without to it ends now.
func ordered(from, to time.Time) error {
	if !to.IsZero() && !from.Before(to) {
		return invalid("to", "to: is before from")
	}
	return nil
}

func cursor(query url.Values, name string) (statement.Cursor, error) {
	text := query.Get(name)
	if text == "" {
		return nil, nil
	}
	if len(text) <= maxCursor {
		if c, err := statement.ParseCursor(text); err == nil {
			return c, nil
		}
	}
	return nil, malformed(name, name+": is not a cursor that a page of a statement returned")
}

// unread is the answer to a read of the ledger that failed.
func unread(err error) error {
	if errors.Is(err, statement.ErrNoAccount) {
		return notFound("such account: nothing was ever booked on it")
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return unavailable("the answer takes too long to be read; ask for a shorter period, or use weir ledger", err)
	}
	return err
}

func (a *API) getLedgerBalance(c *call) error {
	query := c.request.URL.Query()
	if err := known(query, "currency", "owner", "as_of"); err != nil {
		return err
	}
	account, err := c.account(query)
	if err != nil {
		return err
	}
	before, err := moment(query, "as_of", statement.ParseAsOf)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.request.Context(), databaseWithin)
	defer cancel()
	var balance statement.Balance
	if before.IsZero() {
		balance, err = statement.Now(ctx, a.db, account)
	} else {
		balance, err = statement.AsOf(ctx, a.db, account, before)
	}
	if err != nil {
		return unread(err)
	}
	return c.reply(http.StatusOK, balance.View(before))
}

func (a *API) getStatement(c *call) error {
	q, err := c.statementQuery()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.request.Context(), databaseWithin)
	defer cancel()
	page, err := statement.ReadPage(ctx, a.db, q)
	if err != nil {
		return unread(err)
	}
	return c.reply(http.StatusOK, page.View())
}

func (c *call) statementQuery() (q statement.Query, err error) {
	query := c.request.URL.Query()
	if err := known(query, "currency", "owner", "from", "to", "after", "before", "limit"); err != nil {
		return q, err
	}
	if q.Account, err = c.account(query); err != nil {
		return q, err
	}
	if q.From, err = moment(query, "from", statement.ParseTime); err != nil {
		return q, err
	}
	if q.To, err = moment(query, "to", statement.ParseAsOf); err != nil {
		return q, err
	}
	if err := ordered(q.From, q.To); err != nil {
		return q, err
	}
	if q.After, err = cursor(query, "after"); err != nil {
		return q, err
	}
	if q.Before, err = cursor(query, "before"); err != nil {
		return q, err
	}
	if q.After != nil && q.Before != nil {
		return q, invalid("before", "before: is not taken together with after")
	}
	q.Limit = defaultLines
	if query.Has("limit") {
		if q.Limit, err = strconv.Atoi(query.Get("limit")); err != nil || q.Limit < 1 || q.Limit > statement.MaxLines {
			return q, invalid("limit", "limit: want an integer from 1 to "+strconv.Itoa(statement.MaxLines))
		}
	}
	return q, nil
}

func (a *API) explainBalance(c *call) error {
	query := c.request.URL.Query()
	if err := known(query, "currency", "owner", "from", "to"); err != nil {
		return err
	}
	account, err := c.account(query)
	if err != nil {
		return err
	}
	from, err := moment(query, "from", statement.ParseTime)
	if err != nil {
		return err
	}
	if from.IsZero() {
		from = time.Unix(0, 0).UTC()
	}
	to, err := moment(query, "to", statement.ParseAsOf)
	if err != nil {
		return err
	}
	if err := ordered(from, to); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.request.Context(), ledgerWithin)
	defer cancel()
	x, err := statement.Explain(ctx, a.db, account, from, to)
	if err != nil {
		return unread(err)
	}
	return c.reply(http.StatusOK, x.View())
}

func (a *API) getTrialBalance(c *call) error {
	query := c.request.URL.Query()
	if err := known(query, "currency", "as_of"); err != nil {
		return err
	}
	currency := ledger.Currency(query.Get("currency"))
	if _, ok := currency.Exponent(); !ok && query.Has("currency") {
		return invalid("currency", "currency: want an ISO 4217 code in upper case, such as EUR")
	}
	before, err := moment(query, "as_of", statement.ParseAsOf)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.request.Context(), ledgerWithin)
	defer cancel()
	v, err := statement.ReadTrial(ctx, a.db, c.key.Tenant, currency, before)
	if err != nil {
		return unread(err)
	}
	return c.reply(http.StatusOK, v)
}

func (a *API) getEntry(c *call) error {
	if err := known(c.request.URL.Query()); err != nil {
		return err
	}
	id, err := topics.ParseEventID(c.request.PathValue("id"))
	if err != nil {
		return notFound("entry with this id")
	}
	ctx, cancel := context.WithTimeout(c.request.Context(), databaseWithin)
	defer cancel()
	e, err := store.Entry(ctx, a.db.Pool, ledger.EntryID(id))
	if errors.Is(err, store.ErrNoEntry) || err == nil && e.Postings[0].Account.Tenant != c.key.Tenant {
		return notFound("entry with this id")
	}
	if err != nil {
		return err
	}
	v := statement.ViewEntry(&e)
	if v.Period, err = store.Period(ctx, a.db.Pool, &e); err != nil {
		return err
	}
	return c.reply(http.StatusOK, v)
}
