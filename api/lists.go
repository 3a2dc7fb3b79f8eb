package api

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/weirhq/weir/internal/listtopic"
)

const (
	defaultEntries = 100
	maxEntries     = 1000
	listsWithin    = 10 * time.Second // an edit until it is in force here
)

// Where an entry comes from, and what became of an edit.
const (
	entryOfTenant, entryOfEveryone = "tenant", "everyone"
	entryOfRuleFiles, entryByEdit  = "rule_files", "edit"
	editInForce, editUnchanged     = "in_force", "unchanged"
	editProposed, editRejected     = "proposed", "rejected"
)

// unedited is the answer to a request about a list that failed.
func unedited(err error) error {
	var refused *listtopic.Refused
	switch {
	case errors.Is(err, listtopic.ErrNoList), errors.Is(err, listtopic.ErrNoEntry):
		return &Problem{Status: http.StatusNotFound, Code: "not_found", Message: err.Error()}
	case errors.As(err, &refused):
		return invalid("", refused.Why)
	case errors.Is(err, listtopic.ErrNoRules):
		return unavailable("this process has no rule set in force; see /readyz", err)
	}
	if errors.Is(err, listtopic.ErrUncertain) {
		return unavailable("the edit is written, and is not in force here yet; look at the list", err)
	}
	return unavailable("the broker is away; repeat the request", err)
}

func (a *API) getList(c *call) error {
	query := c.request.URL.Query()
	if err := known(query, "after", "limit"); err != nil {
		return err
	}
	limit := defaultEntries
	if query.Has("limit") {
		var err error
		if limit, err = strconv.Atoi(query.Get("limit")); err != nil || limit < 1 || limit > maxEntries {
			return invalid("limit", "limit: want an integer from 1 to "+strconv.Itoa(maxEntries))
		}
	}
	ctx, cancel := context.WithTimeout(c.request.Context(), listsWithin)
	defer cancel()
	entries, waiting, err := a.lists.Entries(ctx, c.request.PathValue("list"), c.key.Tenant, a.now())
	if err != nil {
		return unedited(err)
	}
	after := query.Get("after")
	page := ListPage{Data: []ListEntry{}, Waiting: []WaitingEdit{}}
	for i := range entries {
		e := &entries[i]
		if e.Value <= after {
			continue
		}
		shown := ListEntry{Value: e.Value, Expires: timeOf(e.Expires), Reason: e.Reason, Of: entryOfEveryone, Origin: entryOfRuleFiles}
		if r := e.Record; r != nil {
			shown.Origin, shown.Author, shown.Approver, shown.EditedAt = entryByEdit, r.Author, r.Approver, timeOf(r.At)
			if r.Tenant != "" {
				shown.Of = entryOfTenant
			}
		}
		page.Data = append(page.Data, shown)
	}
	slices.SortFunc(page.Data, func(a, b ListEntry) int { return cmp.Compare(a.Value, b.Value) })
	if len(page.Data) > limit {
		page.Data = page.Data[:limit]
		page.NextAfter = page.Data[limit-1].Value
	}
	for _, id := range slices.Sorted(maps.Keys(waiting)) {
		if w := waiting[id]; after == "" {
			page.Waiting = append(page.Waiting, WaitingEdit{EditID: id, Action: string(w.Action), Value: w.Value, Expires: timeOf(w.Expires),
				Author: w.Author, Reason: w.Reason, ProposedAt: w.At, Changes: w.Records})
		}
	}
	return c.reply(http.StatusOK, page)
}

func (a *API) putListEntry(c *call) error {
	body, err := c.readJSON()
	if err != nil {
		return err
	}
	var put PutListEntry
	if err := decode(body, &put); err != nil {
		return err
	}
	e := listtopic.Edit{Reason: put.Reason}
	if put.Expires != nil {
		e.Expires = *put.Expires
	}
	return a.editList(c, e)
}

func (a *API) deleteListEntry(c *call) error {
	reason, err := c.reason()
	if err != nil {
		return err
	}
	return a.editList(c, listtopic.Edit{Remove: true, Reason: reason})
}

// reason is why something is removed.
func (c *call) reason() (string, error) {
	query := c.request.URL.Query()
	return query.Get("reason"), known(query, "reason")
}

// editList makes an edit of the list, the value and the key that the request has.
func (a *API) editList(c *call, e listtopic.Edit) error {
	e.List, e.Value, e.Tenant, e.Author = c.request.PathValue("list"), c.request.PathValue("value"), c.key.Tenant, c.key.Name
	ctx, cancel := context.WithTimeout(c.request.Context(), listsWithin)
	defer cancel()
	done, err := a.lists.Edit(ctx, e, a.now())
	if err != nil {
		return unedited(err)
	}
	switch {
	case done.Proposed:
		return c.reply(http.StatusAccepted, ListEdited{Status: editProposed, EditID: done.EditID})
	case done.Unchanged:
		return c.reply(http.StatusOK, ListEdited{Status: editUnchanged})
	}
	return c.reply(http.StatusOK, ListEdited{Status: editInForce, EditID: done.EditID})
}

func (a *API) approveListEdit(c *call) error { return a.settleListEdit(c, true, "", editInForce) }

func (a *API) rejectListEdit(c *call) error {
	reason, err := c.reason()
	if err != nil {
		return err
	}
	return a.settleListEdit(c, false, reason, editRejected)
}

func (a *API) settleListEdit(c *call, approve bool, reason, status string) error {
	ctx, cancel := context.WithTimeout(c.request.Context(), listsWithin)
	defer cancel()
	of, err := a.lists.Settle(ctx, c.request.PathValue("list"), c.key.Tenant, c.request.PathValue("edit"), approve, c.key.Name, reason, a.now())
	if err != nil {
		return unedited(err)
	}
	return c.reply(http.StatusOK, ListEdited{Status: status, EditID: of.EditID})
}
