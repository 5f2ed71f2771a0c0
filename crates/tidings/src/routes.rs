//! Which component answers a path, and what the path's parts are.
//!
//! A route is an exact path (`/about`), a path with named parts (`/users/:id`), or a prefix with everything below it
//! (`/api/...`). The most specific match wins. Matching is done by the library that Spin uses, faults included (see the
//! order of routes in our spin.toml): an app that works here works there. This module adds Spin's conventions.

use anyhow::{anyhow, ensure};
use routefinder::{RouteSpec, Router};

/// The routes of an app.
#[derive(Debug)]
pub struct Routes {
    router: Router<Target>,
}

#[derive(Debug, Clone)]
struct Target {
    component: String,
    raw: String,
    full: String,
}

/// A path that was matched to a component. The fields are what Spin tells a component in request headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteMatch {
    /// The id of the component.
    pub component: String,
    /// The route as the manifest has it: `/api/...`.
    pub raw_route: String,
    /// The route after the app's base path, which is always `/` here: `/api/...`.
    pub matched_route: String,
    /// The route without its trailing wildcard: `/api`.
    pub component_route: String,
    /// What the trailing wildcard matched, with its leading slash; empty when there is none.
    pub path_info: String,
    /// What the named parts matched, by name.
    pub parts: Vec<(String, String)>,
}

impl Routes {
    /// Builds a router from pairs of route and component id.
    ///
    /// # Errors
    /// When a route cannot be parsed or is there twice.
    pub fn new<'a>(routes: impl IntoIterator<Item = (&'a str, &'a str)>) -> anyhow::Result<Self> {
        let mut router = Router::new();
        let mut seen: Vec<String> = Vec::new();
        for (raw, component) in routes {
            let rooted = if raw.starts_with('/') { raw.to_owned() } else { format!("/{raw}") };
            let full = rooted.strip_suffix('/').unwrap_or(&rooted).to_owned();
            ensure!(!seen.contains(&full), "the route {raw:?} is there twice");
            let pattern = match full.strip_suffix("/...") {
                Some(prefix) => format!("{prefix}/*"),
                None => full.clone(),
            };
            let spec = RouteSpec::try_from(pattern.as_str())
                .map_err(|error| anyhow!("the route {raw:?} of component {component:?}: {error}"))?;
            seen.push(full.clone());
            let target = Target { component: component.to_owned(), raw: raw.to_owned(), full };
            router.add(spec, target).map_err(|error| anyhow!("the route {raw:?}: {error}"))?;
        }
        Ok(Self { router })
    }

    /// Finds the component for a path (without its query).
    pub fn find(&self, path: &str) -> Option<RouteMatch> {
        let best = self.router.best_match(path)?;
        let target = best.handler();
        let captures = best.captures();
        Some(RouteMatch {
            component: target.component.clone(),
            raw_route: target.raw.clone(),
            matched_route: target.full.clone(),
            component_route: target.raw.strip_suffix("/...").unwrap_or(&target.raw).to_owned(),
            path_info: captures.wildcard().map(|rest| path_info(rest, path)).unwrap_or_default(),
            parts: captures.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        })
    }
}

/// The library drops slashes at both ends of what a wildcard matched; Spin gives them back.
fn path_info(rest: &str, path: &str) -> String {
    match (rest.is_empty(), path.ends_with('/')) {
        (true, false) => String::new(),
        (true, true) => "/".to_owned(),
        (false, false) => format!("/{rest}"),
        (false, true) => format!("/{rest}/"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(patterns: &[&'static str]) -> Routes {
        Routes::new(patterns.iter().map(|pattern| (*pattern, *pattern))).unwrap()
    }

    fn winner(routes: &Routes, path: &str) -> Option<String> {
        routes.find(path).map(|found| found.component)
    }

    /// The order of routes in the manifest matters to the library in one case (see the comment there), and Spin adds
    /// them in that order too.
    #[test]
    fn every_route_of_our_own_manifest_reaches_its_component() {
        let manifest: toml::Table = toml::from_str(include_str!("../../../spin.toml")).unwrap();
        let triggers = manifest["trigger"]["http"].as_array().unwrap();
        let pairs = triggers.iter().map(|t| (t["route"].as_str().unwrap(), t["component"].as_str().unwrap()));
        let routes = Routes::new(pairs).unwrap();
        for (path, component) in [
            ("/", "frontend"),
            ("/friends", "frontend"),
            ("/assets/index-1234.js", "frontend"),
            ("/api", "owner"),
            ("/api/setup", "owner"),
            ("/api/friends/abc/accept", "owner"),
            ("/p2p/v1/changes", "peer"),
            ("/.well-known/tidings", "peer"),
            ("/.well-known/other", "frontend"),
        ] {
            assert_eq!(routes.find(path).map(|found| found.component).as_deref(), Some(component), "{path}");
        }
    }

    #[test]
    fn most_specific_route_wins() {
        let patterns = ["/...", "/api/...", "/api/health", "/p2p/v1/...", "/users/:id", "/users/me"];
        let mut reversed = patterns;
        reversed.reverse();
        for routes in [routes(&patterns), routes(&reversed)] {
            for (path, expected) in [
                ("/", "/..."),
                ("/index.html", "/..."),
                ("/api", "/api/..."),
                ("/api/posts/1", "/api/..."),
                ("/api/health", "/api/health"),
                ("/apiary", "/..."),
                ("/p2p/v1/pull", "/p2p/v1/..."),
                ("/p2p/v2/pull", "/..."),
                ("/users/7", "/users/:id"),
                ("/users/me", "/users/me"),
                ("/users/7/more", "/..."),
            ] {
                assert_eq!(winner(&routes, path).as_deref(), Some(expected), "{path}");
            }
        }
    }

    #[test]
    fn exact_routes_match_nothing_below() {
        let routes = routes(&["/about", "/.well-known/tidings"]);
        assert_eq!(winner(&routes, "/about/us"), None);
        assert_eq!(winner(&routes, "/"), None);
        assert_eq!(winner(&routes, "/about").as_deref(), Some("/about"));
        assert_eq!(winner(&routes, "/.well-known/tidings").as_deref(), Some("/.well-known/tidings"));
    }

    #[test]
    fn root_route_matches_the_root_alone() {
        let routes = routes(&["/"]);
        assert_eq!(winner(&routes, "/").as_deref(), Some("/"));
        assert_eq!(winner(&routes, "/x"), None);
    }

    #[test]
    fn tells_what_the_wildcard_matched() {
        let routes = routes(&["/api/..."]);
        for (path, expected) in [
            ("/api", ""),
            ("/api/", "/"),
            ("/api/posts", "/posts"),
            ("/api/posts/", "/posts/"),
            ("/api/a/b", "/a/b"),
        ] {
            let found = routes.find(path).unwrap();
            assert_eq!(found.path_info, expected, "{path}");
            assert_eq!(found.component_route, "/api");
            assert_eq!(found.raw_route, "/api/...");
            assert_eq!(found.matched_route, "/api/...");
        }
    }

    #[test]
    fn tells_what_named_parts_matched() {
        let routes = routes(&["/users/:user/posts/:post/..."]);
        let found = routes.find("/users/bob/posts/7/edit").unwrap();
        assert_eq!(found.parts, [("user".into(), "bob".into()), ("post".into(), "7".into())]);
        assert_eq!(found.path_info, "/edit");
    }

    #[test]
    fn refuses_a_route_that_is_there_twice() {
        assert!(Routes::new([("/a", "one"), ("/a", "two")]).is_err());
    }
}
