package dynamo

import (
	"context"
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"tocsin/internal/ddb"
	"tocsin/internal/statuspage"
)

const allPages = "PAGES"

// pageKey is the item of the page with the path, "" of home, which as a sort key has to be
// something: what no other page can have as its path.
func pageKey(path string) ddb.Key { return ddb.Key{PK: allPages, SK: statuspage.PageName(path)} }

// Attributes of a page, beside those shared with other items.
const (
	attrHeader       = "page_header"
	attrSubheader    = "page_subheader"
	attrLogo         = "page_logo"
	attrPageSettings = "page_settings"
	attrAll          = "all" // present where it shows every monitor
)

// PageItem is the item of a page.
func PageItem(p statuspage.Page) ddb.Item {
	it := pageKey(p.Path).Item()
	it[ddb.AttrLSI1SK] = ddb.Str(padID(p.ID))
	it[ddb.AttrID] = ddb.Num(p.ID)
	it[attrTitle] = ddb.Str(p.Title)
	it[attrHeader] = ddb.Str(p.Header)
	ddb.PutStr(it, attrSubheader, p.Subheader)
	ddb.PutStr(it, attrLogo, p.Logo)
	if p.Settings != "" {
		it[attrPageSettings] = ddb.Str(string(p.Settings))
	}
	if len(p.Monitors) > 0 {
		it[attrMonitors] = ddb.ListOf(p.Monitors, func(m statuspage.PageMonitor) types.AttributeValue {
			return ddb.Map(ddb.Item{attrTag: ddb.Str(m.Tag), ddb.AttrID: ddb.Num(m.MonitorID)})
		})
	}
	ddb.PutFlag(it, attrAll, p.All)
	it[attrCreated] = ddb.Num(p.Created)
	it[attrUpdated] = ddb.Num(p.Updated)
	it[ddb.AttrVersion] = ddb.Num(p.Version)
	return it
}

func readPage(it ddb.Item) (statuspage.Page, error) {
	r := ddb.Reader{Item: it}
	p := statuspage.Page{
		ID:        r.Num(ddb.AttrID),
		Path:      statuspage.PathNamed(r.Str(ddb.AttrSK)),
		Title:     r.Str(attrTitle),
		Header:    r.Str(attrHeader),
		Subheader: r.OptStr(attrSubheader),
		Logo:      r.OptStr(attrLogo),
		Settings:  statuspage.JSONObject(r.StrOrEmpty(attrPageSettings)),
		Monitors: ddb.ReadOptList(&r, attrMonitors, func(it ddb.Item) (statuspage.PageMonitor, error) {
			r := ddb.Reader{Item: it}
			m := statuspage.PageMonitor{MonitorID: r.Num(ddb.AttrID), Tag: r.Str(attrTag)}
			return m, r.Err
		}),
		All:     r.Has(attrAll),
		Created: r.Num(attrCreated),
		Updated: r.Num(attrUpdated),
		Version: r.Num(ddb.AttrVersion),
	}
	return p, r.Err
}

func pageChange(p statuspage.Page, what statuspage.ChangeKind, fields []string) statuspage.Change {
	c := statuspage.Change{Record: statuspage.RecordPage, ID: p.ID, Tag: statuspage.PageName(p.Path), What: what, Fields: fields}
	if what != statuspage.Deleted {
		c.Version = p.Version
	}
	return c
}

// Page implements apiv4.PageStore.
func (s *Store) Page(ctx context.Context, path string) (statuspage.Page, error) {
	missing := statuspage.PageNotFound(path)
	if len(path) > statuspage.MaxPagePath || path != statuspage.PagePath(path) {
		return statuspage.Page{}, missing
	}
	it, err := s.table.Get(ctx, pageKey(path))
	switch {
	case err != nil:
		return statuspage.Page{}, err
	case it != nil:
		return readPage(it)
	case path == "":
		return statuspage.DefaultHome(), nil
	}
	return statuspage.Page{}, missing
}

// Pages implements apiv4.PageStore.
func (s *Store) Pages(ctx context.Context, q statuspage.PageQuery, take func(statuspage.Page) bool) (int64, error) {
	first := q.After < statuspage.HomePageID
	return ddb.List(ctx, s.table, ddb.Listing[statuspage.Page, int64]{
		Query: ddb.Query{Index: ddb.LSI1, PK: allPages, Low: padID(q.After + 1), High: "~", Limit: q.Limit + 1},
		Read: func(ctx context.Context, items []ddb.Item) ([]statuspage.Page, error) {
			pages, err := ddb.Each(readPage)(ctx, items)
			if err == nil && first && (len(pages) == 0 || !pages[0].Home()) {
				pages = slices.Insert(pages, 0, statuspage.DefaultHome())
			}
			first = false
			return pages, err
		},
		Take: take, After: q.After, Position: func(p statuspage.Page) int64 { return p.ID },
	})
}

// pageMonitors finds the monitors of the tags. It returns UnknownPageMonitor for the first one
// without a monitor.
func (s *Store) pageMonitors(ctx context.Context, tags []string) ([]statuspage.PageMonitor, error) {
	ids, err := s.monitorIDs(ctx, tags)
	if err != nil {
		return nil, err
	}
	var monitors []statuspage.PageMonitor
	for _, tag := range tags {
		id, there := ids[tag]
		if !there {
			return nil, statuspage.UnknownPageMonitor(tag)
		}
		monitors = append(monitors, statuspage.PageMonitor{MonitorID: id, Tag: tag})
	}
	return monitors, nil
}

// pagePaths returns the paths of all pages but home.
func (s *Store) pagePaths(ctx context.Context) (map[string]bool, error) {
	paths := map[string]bool{}
	for it, err := range s.table.Items(ctx, ddb.Query{PK: allPages, Fields: []string{}}) {
		if err != nil {
			return nil, err
		}
		paths[ddb.KeyOf(it).SK] = true
	}
	delete(paths, statuspage.HomePath)
	return paths, nil
}

// CreatePage implements apiv4.PageStore.
func (s *Store) CreatePage(ctx context.Context, n statuspage.NewPage, now int64, once *statuspage.Once[statuspage.Page]) (statuspage.Page, error) {
	var id int64
	var there map[string]bool
	var monitors []statuspage.PageMonitor
	var unknown error
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		for err == nil && id <= statuspage.HomePageID { // which is the first that a table draws
			id, err = s.nextID(gctx, PageIDs)
		}
		return err
	})
	g.Go(func() (err error) {
		there, err = s.pagePaths(gctx)
		return err
	})
	g.Go(func() error {
		monitors, unknown = s.pageMonitors(gctx, n.Tags)
		return nil
	})
	if err := g.Wait(); err != nil {
		return statuspage.Page{}, err
	}
	switch {
	case n.Path == "" || there[n.Path]:
		return statuspage.Page{}, statuspage.PageExists(n.Path)
	case unknown != nil:
		return statuspage.Page{}, unknown
	case len(there) >= statuspage.MaxPages:
		return statuspage.Page{}, statuspage.ErrTooManyPages
	}
	p := n.Made(id, monitors, now)
	refused, err := s.transact(ctx, completion(s, once, p), s.table.PutNew(PageItem(p)), s.changeRow(ctx, pageChange(p, statuspage.Created, nil), now))
	if err == nil && refused != nil {
		err = statuspage.PageExists(n.Path)
	}
	if err != nil {
		return statuspage.Page{}, err
	}
	return p, nil
}

// UpdatePage implements apiv4.PageStore. A page that gets another path is another item from
// then on.
func (s *Store) UpdatePage(ctx context.Context, path string, patch statuspage.PagePatch, now int64, expected statuspage.PagePrecondition) (statuspage.Page, error) {
	tags, _ := patch.Monitors.Get()
	monitors, unknown := s.pageMonitors(ctx, tags)
	var next statuspage.Page
	err := ddb.Retry(ctx, func() (done bool, err error) {
		old, err := s.Page(ctx, path)
		if err != nil {
			return false, err
		}
		if next, err = old.Patched(patch, monitors, now); err != nil {
			return false, err
		}
		moves := next.Path != old.Path
		if moves {
			switch _, err := s.Page(ctx, next.Path); {
			case err == nil:
				return false, statuspage.PageExists(next.Path)
			case !errors.Is(err, statuspage.PageNotFound(next.Path)):
				return false, err
			}
		}
		if unknown != nil { // a missing page is the first error
			return false, unknown
		}
		if expected != nil && !expected(old) {
			return false, statuspage.ErrPageChanged
		}
		was, is := PageItem(old), PageItem(next)
		var writes []ddb.Write
		switch {
		case old.Version == 0:
			writes = append(writes, s.table.PutNew(is))
		case moves:
			writes = append(writes, s.table.Delete(pageKey(old.Path), ddb.NewExpr().IfSame(was)), s.table.PutNew(is))
		default:
			writes = append(writes, s.table.Change(was, is))
		}
		if fields := changedFields(statuspage.RecordPage, was, is); fields != nil {
			writes = append(writes, s.changeRow(ctx, pageChange(next, statuspage.Updated, fields), now))
		}
		refused, err := s.table.Transact(ctx, writes...)
		return err == nil && refused == nil, err
	})
	if err != nil {
		return statuspage.Page{}, err
	}
	return next, nil
}

// DeletePage implements apiv4.PageStore.
func (s *Store) DeletePage(ctx context.Context, path string, now int64, expected statuspage.PagePrecondition) error {
	if path == "" {
		return statuspage.ErrHomePageStays
	}
	return ddb.Retry(ctx, func() (done bool, err error) {
		p, err := s.Page(ctx, path)
		if err != nil {
			return false, err
		}
		if expected != nil && !expected(p) {
			return false, statuspage.ErrPageChanged
		}
		refused, err := s.table.Transact(ctx,
			s.table.Delete(pageKey(path), ddb.NewExpr().IfSame(PageItem(p))),
			s.changeRow(ctx, pageChange(p, statuspage.Deleted, nil), now))
		return err == nil && refused == nil, err
	})
}

// leavePages takes a deleted monitor off the pages.
func (s *Store) leavePages(ctx context.Context, monitorID, now int64) error {
	for it, err := range s.table.Items(ctx, ddb.Query{PK: allPages}) {
		if err != nil {
			return err
		}
		p, err := readPage(it)
		if err != nil {
			return err
		}
		if err := s.leavePage(ctx, p, monitorID, now); err != nil {
			return err
		}
	}
	return nil
}

// leavePage takes a deleted monitor off the page. The page's update time stays, since no person
// changed it.
func (s *Store) leavePage(ctx context.Context, p statuspage.Page, monitorID, now int64) error {
	return ddb.Retry(ctx, func() (done bool, err error) {
		next, showed := p.WithoutMonitor(monitorID)
		if !showed {
			return true, nil
		}
		was, is := PageItem(p), PageItem(next)
		row := pageChange(next, statuspage.Updated, changedFields(statuspage.RecordPage, was, is))
		refused, err := s.table.Transact(ctx, s.table.Change(was, is), s.changeRow(ctx, row, now))
		if err != nil || refused == nil {
			return true, err
		}
		it := refused.Item(0)
		if it == nil { // it has another path by now, or is gone: a later sweep looks again
			return true, nil
		}
		p, err = readPage(it)
		return false, err
	})
}
