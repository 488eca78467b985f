-- keep_view --
-- A published view, new or in place of the one of that name.
insert into published_view (name, resource_type, definition, row_count, published)
values (%(name)s, %(resource_type)s, %(definition)s, %(row_count)s, %(now)s)
    on conflict (tenant_id, name) do update
   set resource_type = excluded.resource_type,
       definition = excluded.definition,
       row_count = excluded.row_count,
       published = excluded.published

-- published_views --
-- What is published, by name.
select published_view.name, published_view.resource_type, published_view.row_count, published_view.published
  from published_view
 order by published_view.name

-- delete_rows --
-- The rows of a view are gone.
delete from published_view_row
 where published_view_row.view = %(name)s

-- insert_rows --
-- More rows of a view, numbered on.
insert into published_view_row (view, number, cells)
select %(name)s, %(start)s + given.place, given.cells
  from jsonb_array_elements(%(rows)s) with ordinality as given (cells, place)

-- make_sql_view --
-- The SQL view over the rows, with these columns and types.
select make_sql_view(%(name)s, %(columns)s, %(kinds)s) as name
