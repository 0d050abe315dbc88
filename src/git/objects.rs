//! Copying commits from one object database into another, without a transport between them.

use git2::Oid;
use git2::Repository;

/// Copies the commit `tip` and all that it needs. What is there already is taken to be complete: objects are
/// written after those they name.
pub(in crate::git) fn copy_history(
    from: &Repository,
    to: &Repository,
    tip: Oid,
) -> Result<(), git2::Error> {
    let (source, sink) = (from.odb()?, to.odb()?);
    let mut stack = vec![(tip, false)];
    while let Some((id, parents_done)) = stack.pop() {
        if sink.exists(id) {
            continue;
        }
        let commit = from.find_commit(id)?;
        if parents_done {
            copy_tree(from, &source, &sink, commit.tree_id())?;
            copy_object(&source, &sink, id)?;
        } else {
            stack.push((id, true));
            stack.extend(commit.parent_ids().map(|parent| (parent, false)));
        }
    }
    Ok(())
}

fn copy_tree(
    from: &Repository,
    source: &git2::Odb<'_>,
    sink: &git2::Odb<'_>,
    id: Oid,
) -> Result<(), git2::Error> {
    if sink.exists(id) {
        return Ok(());
    }
    for entry in &from.find_tree(id)? {
        match entry.kind() {
            Some(git2::ObjectType::Tree) => copy_tree(from, source, sink, entry.id())?,
            Some(git2::ObjectType::Blob) if !sink.exists(entry.id()) => {
                copy_object(source, sink, entry.id())?;
            }
            // a submodule's commit is in another repository
            _ => {}
        }
    }
    copy_object(source, sink, id)
}

fn copy_object(source: &git2::Odb<'_>, sink: &git2::Odb<'_>, id: Oid) -> Result<(), git2::Error> {
    let object = source.read(id)?;
    sink.write(object.kind(), object.data()).map(|_| ())
}
